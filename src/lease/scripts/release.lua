-- Gives a lease up if it is still the asker's: decideRelease of lease-protocol.ts. Token and highest token stay, a
-- standing loss of data stays noted.
--
-- KEYS   mirror, record
-- ARGV   channel suffix, id ('' releases whoever holds it: by hand), token
-- Reply  {'released', 0|1, holder before or '', token}, or what record.lua tells of what is not a lease
local stored, wrong = fetch(KEYS[2])
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
-- Somebody else's key stays where it is.
if reflected(KEYS[1]) == stored.holder then redis.call('DEL', KEYS[1]) end
return { 'released', '1', stored.holder, stored.token }
