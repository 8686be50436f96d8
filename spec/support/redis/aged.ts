import type { RedisServer } from './server.js'

const script = `
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local left = redis.call('PTTL', key) - ARGV[2]
  if left <= 0 and left > -1 - ARGV[2] then redis.call('DEL', key)
  elseif left > 0 then redis.call('PEXPIRE', key, left) end
end`

/** Makes keys older by so many milliseconds: those that would have expired by then are gone. */
export async function age(server: RedisServer, prefix: string, milliseconds: number): Promise<void> {
  await server.command('EVAL', script, 0, prefix, milliseconds)
}
