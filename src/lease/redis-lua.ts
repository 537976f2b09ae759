/** Made from src/lease/scripts/*.lua by `npm run generate`, comments and indentation taken off. Do not edit. */

export const ACQUIRE = `local suffix, doubts, announces, settle, fresh_store = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local id, attempt, lease, grace, longest, seen = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local observed = { token = ARGV[12], beat = tonumber(ARGV[13]), for_ms = tonumber(ARGV[14]) }
local known = { id = ARGV[15], for_ms = tonumber(ARGV[16]) }
local nonce = ARGV[17]
observed.holder = ARGV[18]
local W = (1 + 0.01) / (1 - 0.01)
local stored, wrong = fetch(KEYS[2])
if wrong then return wrong end
local impossible = unusable(lease, grace, longest)
if impossible then return impossible end
if stored and stored.by == id and tonumber(attempt) <= tonumber(stored.attempt) then
return { 'stale', stored.attempt }
end
local before = doubted(stored and copied(stored), doubts)
local INC = known_as(before, doubts)
local record = before and copied(before)
or {
v = VERSION, holder = '', by = '', attempt = '0', token = '0', term = '0', lease = lease, grace = '0', beat = '0',
expAt = '0', maxLease = '0', hi = '0', inc = '', namesake = '', lossId = '', lossInc = '', lossAt = '', lossFresh = '',
}
local highest = larger(record.hi, record.token)
if before and before.lossId ~= '' and before.lossInc == INC then
if tonumber(before.lossAt) > NOW then record.lossAt = text(NOW) end
else
note(record, '', '', '', '')
local fresh = before == nil and seen == '0'
if not before or before.inc ~= INC or above(seen, highest) then
if not (fresh and fresh_store == 'trust') then
note(record, nonce .. '@' .. text(NOW), INC, text(NOW), fresh and '1' or '0')
end
end
end
record.inc = INC
record.hi = larger(highest, seen)
record.maxLease = text(math.max(tonumber(record.maxLease), tonumber(longest), tonumber(lease)))
if record.lossId ~= '' then
local waited = NOW - tonumber(record.lossAt)
if known.id == record.lossId then waited = known.for_ms end
local remaining = tonumber(record.maxLease) * W + settle - waited
if remaining > 0 then
store(KEYS[2], record, stored)
return { 'quarantined', record.lossId, text(remaining), text(waited), record.hi, record.lossFresh }
end
note(record, '', '', '', '')
end
local function name(member)
local stem, random = member:match('^([^\\r\\n]+)%-([a-z0-9]+)$')
if random and #random == 16 then return stem end
return nil
end
if record.holder ~= '' and record.holder ~= id then
local held = tonumber(record.lease)
local ends = tonumber(record.expAt) - NOW
local left = math.min(ends, held)
local beat = record.beat == '0' and record.attempt or record.beat
local same = observed.holder == record.holder and observed.token == record.token
if same and observed.beat == tonumber(beat) then
left = math.min(math.max(left, held - observed.for_ms), held * W - observed.for_ms)
end
local remaining = left + tonumber(record.grace)
if remaining > 0 then
local namesake = name(id)
if namesake and namesake == name(record.holder) then record.namesake = id end
store(KEYS[2], record, stored)
local age = math.min(math.max(held - ends, 0), held)
return { 'held', record.holder, record.token, beat, record.lease, text(remaining), text(age) }
end
end
local mirror, mirror_wrong = reflected(KEYS[1])
if mirror_wrong then return mirror_wrong end
if mirror ~= '' and mirror ~= id and mirror ~= record.holder then return { 'foreign', 'mirror', mirror } end
record.token = larger(larger(successor(record.token), text(NOW)), successor(record.hi))
record.hi = record.token
record.term = text(tonumber(record.term) + 1)
record.holder, record.by, record.attempt = id, id, attempt
record.lease, record.grace, record.beat = lease, grace, '0'
record.expAt = text(NOW + tonumber(lease))
record.namesake = ''
if announces == '1' then announce(KEYS[1], suffix, 'acquired', record.token, attempt, lease, id) end
store(KEYS[2], record, stored)
reflect(KEYS[1], id, lease)
return { 'won', record.token, record.term }`;

export const DOUBT = `local function doubted(record, doubts)
if record and doubts == '1' and INC == '?' then record.inc, record.lossInc = 'doubted', 'doubted' end
return record
end
local function known_as(record, doubts)
if record and doubts ~= '1' and INC == '?' then return record.inc end
return INC
end`;

export const MOMENT = `local function told(section, pattern)
local info = redis.pcall('INFO', section)
if type(info) ~= 'string' then return nil end
return info:match(pattern)
end
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
local run, replication = told('server', 'run_id:(%w+)'), told('replication', 'master_replid:(%w+)')
local INC = '?'
if run and replication then INC = run .. ':' .. replication end`;

export const READ = `local stored, wrong = fetch(KEYS[2])
local mirror, mirror_wrong = reflected(KEYS[1])
if mirror_wrong and mirror_wrong[1] == 'refused' then return { text(NOW), INC, '', '', unpack(mirror_wrong) } end
local reply = { text(NOW), INC, mirror or mirror_wrong[3], text(redis.call('PTTL', KEYS[1])) }
if wrong then
for _, part in ipairs(wrong) do reply[#reply + 1] = part end
elseif stored then
reply[#reply + 1] = 'record'
for _, field in ipairs(FIELDS) do reply[#reply + 1] = stored[field] end
else
reply[#reply + 1] = 'none'
end
return reply`;

export const RECORD = `local VERSION = '1'
local UNUSED_MS = 2592000000
local LEASE_MAX_MS = 86400000
local FIELDS = {
'v', 'holder', 'by', 'attempt', 'token', 'term', 'lease', 'grace', 'beat', 'expAt', 'maxLease', 'hi', 'inc',
'namesake', 'lossId', 'lossInc', 'lossAt', 'lossFresh',
}
local TOKENS = { 'token', 'hi' }
local NUMBERS = { 'attempt', 'term', 'lease', 'grace', 'beat', 'expAt', 'maxLease', 'lossAt' }
local function text(x)
if x == math.floor(x) and math.abs(x) < 2 ^ 53 then return string.format('%.0f', x) end
return string.format('%.17g', x)
end
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
local function reflected(key)
local value = redis.pcall('GET', key)
if type(value) == 'table' then return nil, trouble(value.err, 'mirror') end
return value or ''
end
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
local function unusable(...)
for _, ms in ipairs({ ... }) do
local number = tonumber(ms)
if not number or not (number >= 0 and number <= LEASE_MAX_MS) then
return { 'refused', 'ERR a lease of ' .. ms .. ' ms: 0 to ' .. text(LEASE_MAX_MS) .. ' is possible' }
end
end
return nil
end
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
end`;

export const RELEASE = `local stored, wrong = fetch(KEYS[2])
if wrong then return wrong end
if not stored then return { 'released', '0', '', '0' } end
local by_hand = ARGV[2] == ''
local matches = stored.holder == ARGV[2] and stored.token == ARGV[3]
if stored.holder == '' or not (by_hand or matches) then
return { 'released', '0', stored.holder, stored.token }
end
local record = copied(stored)
record.holder = ''
announce(KEYS[1], ARGV[1], 'released', record.token)
store(KEYS[2], record, stored)
if reflected(KEYS[1]) == stored.holder then redis.call('DEL', KEYS[1]) end
return { 'released', '1', stored.holder, stored.token }`;

export const RENEW = `local suffix = ARGV[1]
local function renew(mirror_key, record_key, ask)
local stored, wrong = fetch(record_key)
if wrong then return wrong end
local impossible = unusable(ask.lease, ask.grace)
if impossible then return impossible end
local before = doubted(stored and copied(stored), ask.doubts)
local INC = known_as(before, ask.doubts)
local matches = before ~= nil and before.holder == ask.id and before.token == ask.token
local lost = before == nil or before.inc ~= INC or before.lossId ~= ''
local highest = before and larger(before.hi, before.token) or '0'
local given_up = before ~= nil and before.holder == '' and before.token == ask.token
local restores = not matches and lost and not given_up and not above(highest, ask.token)
if not matches and not restores then
return { 'denied', before and before.holder or '', before and before.token or '0' }
end
if matches and tonumber(ask.beat) <= tonumber(before.beat) then return { 'renewed', '0', '' } end
if matches and before.inc == INC then
local mirror, mirror_wrong = reflected(mirror_key)
if mirror_wrong then
if mirror_wrong[1] == 'refused' then return mirror_wrong end
return { 'deposed', stored.token, mirror_wrong[3] }
end
local gone = mirror == '' and NOW < tonumber(before.expAt)
if gone or (mirror ~= '' and mirror ~= ask.id) then return { 'deposed', stored.token, mirror } end
end
local record = {
v = VERSION, holder = ask.id, by = ask.id, token = ask.token, lease = ask.lease, grace = ask.grace, beat = ask.beat,
attempt = matches and before.attempt or ask.beat,
term = text(math.max(tonumber(ask.term), matches and tonumber(before.term) or 0)),
expAt = text(NOW + tonumber(ask.lease)),
maxLease = text(math.max(before and tonumber(before.maxLease) or 0, tonumber(ask.lease))),
hi = larger(highest, ask.token),
inc = INC,
namesake = '',
}
if not lost then
note(record, '', '', '', '')
elseif before and before.lossId ~= '' and before.lossInc == INC then
note(record, before.lossId, before.lossInc, before.lossAt, before.lossFresh)
else
note(record, ask.id .. '#' .. ask.beat .. '@' .. text(NOW), INC, text(NOW), '0')
end
local kind = matches and 'renewed' or 'acquired'
announce(mirror_key, suffix, kind, record.token, record.beat, record.lease, record.holder)
store(record_key, record, stored)
reflect(mirror_key, record.holder, record.lease)
return { 'renewed', restores and '1' or '0', matches and before.namesake or '' }
end
local replies = {}
for i = 1, #KEYS / 2 do
local at = 1 + (i - 1) * 7
local done, reply = pcall(renew, KEYS[2 * i - 1], KEYS[2 * i], {
id = ARGV[at + 1], token = ARGV[at + 2], lease = ARGV[at + 3], grace = ARGV[at + 4],
beat = ARGV[at + 5], term = ARGV[at + 6], doubts = ARGV[at + 7],
})
if not done and (type(reply) == 'table' or reply:sub(1, 1) == '@') then error(reply, 0) end
replies[i] = done and reply or { 'refused', 'ERR ' .. reply }
end
return replies`;
