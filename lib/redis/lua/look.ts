// The script that looks which of many channels have news, in Lua.

/**
 * Looks at many channels at once, without a change. KEYS: their meta. ARGV: for each how it was last seen, `epoch number
 * ms ended`. Answers the time, and the indexes of those that are different now.
 */
export const look = `
local time = redis.call('TIME')
local answer = { time[1] * 1000 + math.floor(time[2] / 1000) }
for at, meta in ipairs(KEYS) do
  -- of a key of another type the answer is an error: whoever reads hears of it
  local seen = redis.pcall('HMGET', meta, 'epoch', 'number', 'ms', 'ended')
  local text = (seen[1] or '') .. ' ' .. (seen[2] or '') .. ' ' .. (seen[3] or '') .. ' ' .. (seen[4] or '')
  if seen.err or text ~= ARGV[at] then answer[#answer + 1] = at end
end
return answer
`
