-- The record as somebody must take it who cannot know that it is still the same data set.
local function doubted(record, doubts)
  if record and doubts == '1' and INC == '?' then record.inc, record.lossInc = 'doubted', 'doubted' end
  return record
end

-- The data set as the asker knows it. Who is not told, but has heard of the record over this very connection, takes it
-- for what others have noted: members that are told and members that are not would else take each other's note for a
-- loss, each time anew, and nobody would ever have waited long enough.
local function known_as(record, doubts)
  if record and doubts ~= '1' and INC == '?' then return record.inc end
  return INC
end
