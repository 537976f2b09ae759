-- Grants, refuses or quarantines: decideAcquire of lease-protocol.ts, step by step.
--
-- KEYS   mirror, record
-- ARGV   channel suffix, doubts 0|1, announce 0|1, settleMs, freshStore wait|trust,
--        id, attempt, leaseMs, graceMs, longestMs, seen,
--        observed token ('' if nothing was), observed beat, observed forMs, loss id ('' if none), loss forMs, nonce,
--        observed holder
-- Reply  {'won', token, term}
--        {'held', holder, token, beat, leaseMs, remainingMs, ageMs}
--        {'quarantined', lossId, remainingMs, waitedMs, token, fresh 0|1}
--        {'stale', lastAttempt}
--        or what record.lua tells of what is not a lease
-- Keeps  a token is above all that anybody has seen; nothing is granted while a loss of data stands, nor over a
--        mirror that says something else than the record.
local suffix, doubts, announces, settle, fresh_store = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
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

-- A late packet must not make a lease nobody knows of.
if stored and stored.by == id and tonumber(attempt) <= tonumber(stored.attempt) then
  return { 'stale', stored.attempt }
end

local before = doubted(stored and copied(stored), doubts)
local INC = known_as(before, doubts)

-- A loss of data: the one that stands, or one that is noticed now.
local record = before and copied(before)
  or {
    v = VERSION, holder = '', by = '', attempt = '0', token = '0', term = '0', lease = lease, grace = '0', beat = '0',
    expAt = '0', maxLease = '0', hi = '0', inc = '', namesake = '', lossId = '', lossInc = '', lossAt = '', lossFresh = '',
  }
local highest = larger(record.hi, record.token)
if before and before.lossId ~= '' and before.lossInc == INC then
  -- A server clock that ran backwards would prolong the wait: move the note down, never up.
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

-- While a loss stands everybody waits, whatever the record says.
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

-- The incarnation of a member's name without what is random in it.
local function name(member)
  local stem, random = member:match('^([^\r\n]+)%-([a-z0-9]+)$')
  if random and #random == 16 then return stem end
  return nil
end

-- Held by another: the server's clock decides, within what the asker has watched itself.
if record.holder ~= '' and record.holder ~= id then
  local held = tonumber(record.lease)
  local ends = tonumber(record.expAt) - NOW
  local left = math.min(ends, held)
  -- A grant is known by its attempt until it is renewed: two primaries may give the same token.
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
return { 'won', record.token, record.term }
