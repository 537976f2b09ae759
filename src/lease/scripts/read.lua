-- Looks, and changes nothing.
--
-- KEYS   mirror, record
-- Reply  {now, incarnation, mirror or '', its remaining ms or '', problem…} where there is no record or no lease;
--        {now, incarnation, mirror or '', its remaining ms or '', 'record', the fields in the order of FIELDS}
local stored, wrong = fetch(KEYS[2])
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
return reply
