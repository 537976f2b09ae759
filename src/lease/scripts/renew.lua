-- Extends leases of their holders, or restores records that were lost: decideRenew of lease-protocol.ts for each.
-- Many at once, since many elections of one process renew at the same time; each for itself, as if asked alone.
--
-- KEYS   mirror, record, for each lease
-- ARGV   channel suffix, then for each lease: id, token, leaseMs, graceMs, beat, term, doubts 0|1
-- Reply  for each lease
--        {'renewed', restored 0|1, namesake or ''}
--        {'denied', holder or '', token}
--        {'deposed', token, mirror or ''}  the mirror was deleted or overwritten by hand: the leader is to stop. The
--        record stays: given away in the same step, the lease could have another leader before this one has heard
--        or what record.lua tells of what is not a lease
-- Keeps  only the holder of the latest token goes on; a beat never comes back; a loss of data stays noted, for only
--        time ends a quarantine.
local suffix = ARGV[1]

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
  -- A term that was given up does not come back.
  local given_up = before ~= nil and before.holder == '' and before.token == ask.token
  local restores = not matches and lost and not given_up and not above(highest, ask.token)
  if not matches and not restores then
    return { 'denied', before and before.holder or '', before and before.token or '0' }
  end
  -- A renewal that comes late, or twice, must not bring back a beat that somebody has long been watching.
  if matches and tonumber(ask.beat) <= tonumber(before.beat) then return { 'renewed', '0', '' } end

  -- The mirror is of this data set, also while a loss stands that was noted in it.
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
  -- What the server refuses, a write to a replica say, it refuses to all; what goes wrong here is of one lease.
  if not done and (type(reply) == 'table' or reply:sub(1, 1) == '@') then error(reply, 0) end
  replies[i] = done and reply or { 'refused', 'ERR ' .. reply }
end
return replies
