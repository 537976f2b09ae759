-- What the server knows besides the record, read in the same step: its time in whole milliseconds, and which
-- incarnation of the data set this is. The run id alone would repeat after a demotion and promotion, the replication
-- id alone after a restart. A server that does not tell (some managed services) is '?' throughout; a caller that has
-- reconnected since it last heard of this record then doubts it, and it counts as lost.
local function told(section, pattern)
  local info = redis.pcall('INFO', section)
  if type(info) ~= 'string' then return nil end
  return info:match(pattern)
end
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
local run, replication = told('server', 'run_id:(%w+)'), told('replication', 'master_replid:(%w+)')
local INC = '?'
if run and replication then INC = run .. ':' .. replication end
