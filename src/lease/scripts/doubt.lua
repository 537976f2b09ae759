-- The record as somebody must take it who cannot know that it is still the same data set.
local function doubted(record, doubts)
  if record and doubts == '1' and INC == '?' then record.inc, record.lossInc = 'doubted', 'doubted' end
  return record
end
