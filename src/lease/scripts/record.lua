-- Shared by all scripts on leases: the record, exact numbers, announcements.
--
-- A lease is two keys in one slot. KEYS[2], a hash, is the record: truth lives there and nowhere else. KEYS[1], a
-- string that expires with the lease, mirrors the holder's id for operators and other tools. A field that is '' is
-- null. Tokens are decimal strings of any length: a Lua number is exact to 2^53 only, so they are compared and
-- counted as text. The record goes a month after it was last written.
--
-- What a script finds that is not its own it leaves alone and tells:
--   {'foreign', 'record' | 'mirror', what}  the key holds something else
--   {'version', v}                          the record is of another version of this protocol
--   {'refused', error}                      the server does not let this user look

local VERSION = '1'
local UNUSED_MS = 2592000000
-- No lease is longer, LEASE_MAX_MS of leadership.timings.ts: a number that SET does not take, or a record that is gone
-- before its lease ends, would be found out halfway through writing.
local LEASE_MAX_MS = 86400000
local FIELDS = {
  'v', 'holder', 'by', 'attempt', 'token', 'term', 'lease', 'grace', 'beat', 'expAt', 'maxLease', 'hi', 'inc',
  'namesake', 'lossId', 'lossInc', 'lossAt', 'lossFresh',
}

local TOKENS = { 'token', 'hi' }
local NUMBERS = { 'attempt', 'term', 'lease', 'grace', 'beat', 'expAt', 'maxLease', 'lossAt' }

-- The text of a number that reads back as the same number.
local function text(x)
  if x == math.floor(x) and math.abs(x) < 2 ^ 53 then return string.format('%.0f', x) end
  return string.format('%.17g', x)
end

-- Whether one token is larger. Not by `>` on strings, which obeys the server's locale.
local function above(a, b)
  if #a ~= #b then return #a > #b end
  for i = 1, #a do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x > y end
  end
  return false
end

local function larger(a, b)
  if above(b, a) then return b end
  return a
end

-- The token after this one.
local function successor(token)
  local i = #token
  while i > 0 and token:byte(i) == 57 do i = i - 1 end
  local zeros = string.rep('0', #token - i)
  if i == 0 then return '1' .. zeros end
  return token:sub(1, i - 1) .. string.char(token:byte(i) + 1) .. zeros
end

local function trouble(err, which)
  if err:find('WRONGTYPE', 1, true) then return { 'foreign', which, 'a value of another type' } end
  return { 'refused', err }
end

-- Names a field that no script has written like this, or nil.
local function damaged(record)
  for _, field in ipairs(TOKENS) do
    if not record[field]:match('^%d+$') then return field end
  end
  for _, field in ipairs(NUMBERS) do
    local none = field == 'lossAt' and record.lossId == ''
    if not none and not (record[field]:match('^%-?%d[%d.eE+-]*$') and tonumber(record[field])) then return field end
  end
  return nil
end

-- The record, or nil where there is none; or nil and what is wrong.
local function fetch(key)
  local values = redis.pcall('HMGET', key, unpack(FIELDS))
  if values.err then return nil, trouble(values.err, 'record') end
  if not values[1] then
    if redis.call('EXISTS', key) == 0 then return nil end
    return nil, { 'foreign', 'record', 'a hash that is no lease' }
  end
  if values[1] ~= VERSION then return nil, { 'version', values[1] } end
  local record = {}
  for i, field in ipairs(FIELDS) do record[field] = values[i] or '' end
  local field = damaged(record)
  if field then return nil, { 'foreign', 'record', 'a lease whose field ' .. field .. ' is damaged' } end
  return record
end

-- The holder that the mirror names, or ''; or nil and what is wrong.
local function reflected(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then return nil, trouble(value.err, 'mirror') end
  return value or ''
end

-- Writes the record where it differs.
local function store(key, record, before)
  local same = before ~= nil
  local pairs_ = {}
  for _, field in ipairs(FIELDS) do
    if same and record[field] ~= before[field] then same = false end
    pairs_[#pairs_ + 1] = field
    pairs_[#pairs_ + 1] = record[field]
  end
  if same then return end
  redis.call('HSET', key, unpack(pairs_))
  redis.call('PEXPIRE', key, UNUSED_MS)
end

local function reflect(key, holder, lease)
  redis.call('SET', key, holder, 'PX', text(math.max(1, math.ceil(tonumber(lease)))))
end

-- Why lengths of time cannot be used, or nil. Asked before anything is written.
local function unusable(...)
  for _, ms in ipairs({ ... }) do
    local number = tonumber(ms)
    if not number or not (number >= 0 and number <= LEASE_MAX_MS) then
      return { 'refused', 'ERR a lease of ' .. ms .. ' ms: 0 to ' .. text(LEASE_MAX_MS) .. ' is possible' }
    end
  end
  return nil
end

-- Tells those who watch, on the channel named like the mirror. Before anything is written, so that a user who may
-- not publish is refused without a trace; after a write that changes nothing, so that nobody is told of what a server
-- without memory or replicas then refuses. A key of database 0 that ends like another database's suffix has one, too.
local function announce(key, suffix, ...)
  redis.call('SET', key, '', redis.call('EXISTS', key) == 1 and 'NX' or 'XX')
  if suffix == '' and key:match('@%d+$') then suffix = '@0' end
  redis.call('PUBLISH', key .. suffix, table.concat({ ... }, ' '))
end

local function copied(record)
  local copy = {}
  for field, value in pairs(record) do copy[field] = value end
  return copy
end

local function note(record, id, inc, at, fresh)
  record.lossId, record.lossInc, record.lossAt, record.lossFresh = id, inc, at, fresh
end
