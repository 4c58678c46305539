import { BUCKET_SLACK_MS, CONCURRENCY_RETRY_MS, UNIT_SLACK, WINDOW_PARTS } from './counters.ts'
import { redisScript } from './redis.ts'

/**
 * What is used of one limit, on the clock of Redis; microseconds. A clock that is set back can shut no bucket longer than it takes to
 * fill. A bucket keeps when it is full, and how much was ever given back of it, until who took before can have found it full. The last key keeps since when Redis counts: it is gone when Redis was emptied.
 */
const lookAt = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local began = tonumber(redis.call('GET', KEYS[#KEYS]))
if not began or began > now then
  began = now
  redis.call('SET', KEYS[#KEYS], string.format('%.0f', now))
end
local function bucketOf(key)
  local full, given = string.match(redis.call('GET', key) or '', '^([^:]+):?(.*)$')
  return tonumber(full) or 0, tonumber(given) or 0
end
local function setBucket(key, quota, window, used, given)
  local need = math.max(0, used) * window / quota
  redis.call('SET', key, string.format('%.3f:%.3f', now + need, given), 'PX', math.ceil((need + window) / 1000) + 1000)
end
local function usedOf(key, kind, quota, window)
  if kind == 'b' then
    return math.min(quota, math.max(0, bucketOf(key) - now) * quota / window)
  elseif kind == 'w' then
    local oldest, total = math.floor(now * ${WINDOW_PARTS} / window) - ${WINDOW_PARTS}, 0
    local fields = redis.call('HGETALL', key)
    for index = 1, #fields, 2 do
      if tonumber(fields[index]) < oldest then redis.call('HDEL', key, fields[index]) else total = total + fields[index + 1] end
    end
    return total
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  return redis.call('ZCARD', key)
end
local function add(key, kind, quota, window, used, change, takenAt, holder)
  if kind == 'b' then
    local _, given = bucketOf(key)
    setBucket(key, quota, window, used + change, given)
  elseif kind == 'w' then
    local part = math.floor((change < 0 and takenAt or now) * ${WINDOW_PARTS} / window)
    if part >= math.floor(now * ${WINDOW_PARTS} / window) - ${WINDOW_PARTS} then
      local before = tonumber(redis.call('HGET', key, part) or 0)
      redis.call('HSET', key, part, string.format('%.17g', math.max(0, before + change)))
      redis.call('PEXPIRE', key, math.ceil(window / 500))
    end
  elseif change > 0 then
    redis.call('ZADD', key, now + window, holder)
    redis.call('PEXPIRE', key, math.ceil(window / 1000) + 1000)
  else
    redis.call('ZREM', key, holder)
  end
end
`

/**
 * Decides all rules at once. ARGV[1] names the holder, ARGV[2] is when Redis was last heard; then per key: letter, quota, microseconds
 * of the window (of the lease for concurrency), cost, 1 for a shadow, and the least that a bucket must be taken to lack where Redis
 * counts only since it was last heard. Answers 1 or 0, then per key what is used, microseconds until all is back, and until it would
 * fit: 0 when it does, -1 for never; then the time, since when Redis counts, and per key what was ever given back of a bucket.
 */
export const takeScript = redisScript(`${lookAt}
local function leaveIn(key, window, units)
  local fields, parts, left = redis.call('HGETALL', key), {}, 0
  for index = 1, #fields, 2 do parts[#parts + 1] = { tonumber(fields[index]), tonumber(fields[index + 1]) } end
  table.sort(parts, function(one, other) return one[1] < other[1] end)
  for _, part in ipairs(parts) do
    left = left + part[2]
    if left > 0 and left + 1e-9 >= units then return (part[1] + ${WINDOW_PARTS + 1}) * window / ${WINDOW_PARTS} - now end
  end
  return window
end
local rules, allowed, reply = {}, 1, {}
local mayHaveForgotten = began > tonumber(ARGV[2])
for index = 1, #KEYS - 1 do
  local key, at = KEYS[index], index * 6 - 3
  local rule = { key = key, kind = ARGV[at], quota = tonumber(ARGV[at + 1]), window = tonumber(ARGV[at + 2]),
    cost = tonumber(ARGV[at + 3]), shadow = ARGV[at + 4] == '1' }
  rule.used = usedOf(key, rule.kind, rule.quota, rule.window)
  if mayHaveForgotten then rule.used = math.max(rule.used, tonumber(ARGV[at + 5])) end
  local slack = rule.kind == 'b' and math.min(${UNIT_SLACK}, ${BUCKET_SLACK_MS * 1000} * rule.quota / rule.window) or ${UNIT_SLACK}
  rule.fits = rule.used + rule.cost <= rule.quota + slack
  if not rule.fits and not rule.shadow then allowed = 0 end
  rules[index] = rule
end
reply[1] = tostring(allowed)
for _, rule in ipairs(rules) do
  if allowed == 1 and rule.fits then
    add(rule.key, rule.kind, rule.quota, rule.window, rule.used, rule.cost, now, ARGV[1])
    rule.used = rule.used + rule.cost
  end
  local reset, retry = 0, 0
  if rule.kind == 'b' then
    reset = rule.used * rule.window / rule.quota
    if not rule.fits then retry = (rule.used + rule.cost - rule.quota) * rule.window / rule.quota end
  elseif rule.kind == 'w' then
    if rule.used > 0 then reset = leaveIn(rule.key, rule.window, rule.used) end
    if not rule.fits then retry = leaveIn(rule.key, rule.window, rule.used + rule.cost - rule.quota) end
  elseif not rule.fits then
    retry = ${CONCURRENCY_RETRY_MS * 1000}
  end
  if not rule.fits and rule.cost > rule.quota + ${UNIT_SLACK} then retry = -1 end
  reply[#reply + 1] = string.format('%.17g', rule.used)
  reply[#reply + 1] = string.format('%.3f', reset)
  reply[#reply + 1] = string.format('%.3f', retry)
end
reply[#reply + 1] = string.format('%.0f', now)
reply[#reply + 1] = string.format('%.0f', began)
for _, rule in ipairs(rules) do
  local _, given = 0, 0
  if rule.kind == 'b' then _, given = bucketOf(rule.key) end
  reply[#reply + 1] = string.format('%.3f', given)
end
return reply
`)

/**
 * Corrects what was taken. Per key: letter, quota, microseconds of the window, change, microseconds since it was taken, holder, and,
 * where known, the time of Redis at which it was taken, and for how long the bucket was then not full and what was given back of it. What came back of itself, or
 * was taken before Redis counts, is not given back.
 */
export const correctScript = redisScript(`${lookAt}
for index = 1, #KEYS - 1 do
  local key, at = KEYS[index], index * 9 - 8
  local kind, quota, window, change = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local takenAt, fullIn = tonumber(ARGV[at + 6]) or now - ARGV[at + 4], tonumber(ARGV[at + 7])
  if change > 0 or kind == 'c' or takenAt >= began then
    if kind == 'b' then
      local _, given = bucketOf(key)
      local back = change
      if change < 0 and fullIn then
        local since = math.max(0, given - tonumber(ARGV[at + 8]))
        back = math.max(change, -math.max(0, takenAt + fullIn - now - since) * quota / window)
      end
      setBucket(key, quota, window, usedOf(key, kind, quota, window) + back, given - math.min(0, change) * window / quota)
    else
      add(key, kind, quota, window, 0, change, takenAt, ARGV[at + 5])
    end
  end
end
`)

/** Keeps what is under way: per key the holder whose lease goes on for ARGV[1] microseconds. */
export const renewScript = redisScript(`
local time = redis.call('TIME')
local untilThen = time[1] * 1000000 + time[2] + ARGV[1]
for index, key in ipairs(KEYS) do
  redis.call('ZADD', key, untilThen, ARGV[index + 1])
  redis.call('PEXPIRE', key, math.ceil(ARGV[1] / 1000) + 1000)
end
`)

/** Notes that the replica ARGV[1] lives, forgets those silent for ARGV[2] seconds, and answers how many there are. */
export const presenceScript = redisScript(`
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2] * 2)
return redis.call('ZCARD', KEYS[1])
`)
