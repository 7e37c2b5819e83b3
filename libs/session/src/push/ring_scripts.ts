import { defineScript } from '@warren/redis';
import type { Appended, KeepResult, OpenedRing, RingEvent } from './event_ring.ts';
import { list, number, ownerOf } from './ring_answer.ts';

/** Makes the meta hash when it is not there: session, newest seq, acknowledged seq. */
const ENSURE_META = `
local function ensure(meta, session)
  if redis.call('HSETNX', meta, 'session', session) == 1 then
    redis.call('HSET', meta, 'seq', 0, 'acked', 0)
  end
end
`;

export const APPEND_TO_RING = defineScript({
  name: 'gatewayRingAppend',
  keys: 4,
  lua: `${ENSURE_META}
local meta, events, seen, presence = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, kind, payload, session, limit, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
ensure(meta, session)
local owner = redis.call('GET', presence) or ''
local known = redis.call('ZSCORE', seen, id)
if known then return {tostring(known), 1, owner} end
local seq = redis.call('HINCRBY', meta, 'seq', 1)
if ARGV[7] == '' then
  redis.call('XADD', events, 'MAXLEN', limit, seq .. '-0', 't', kind, 'p', payload)
else
  redis.call('XADD', events, 'MAXLEN', limit, seq .. '-0', 't', kind, 'p', payload, 'c', ARGV[7])
end
redis.call('ZADD', seen, seq, id)
redis.call('ZREMRANGEBYRANK', seen, 0, -(limit * 2) - 1)
redis.call('PEXPIRE', meta, ttl)
redis.call('PEXPIRE', events, ttl)
redis.call('PEXPIRE', seen, ttl)
return {tostring(seq), 0, owner}
`,
  parse: (raw): Appended => {
    const [seq, duplicate, owner] = list(raw);
    return { seq: number(seq), duplicate: duplicate === 1, owner: ownerOf(owner) };
  },
});

export const OPEN_RING = defineScript({
  name: 'gatewayRingOpen',
  keys: 3,
  lua: `${ENSURE_META}
local meta, events, presence = KEYS[1], KEYS[2], KEYS[3]
ensure(meta, ARGV[1])
local previous = redis.call('GET', presence) or ''
redis.call('SET', presence, ARGV[2], 'PX', ARGV[3])
redis.call('PEXPIRE', meta, ARGV[4])
redis.call('PEXPIRE', events, ARGV[4])
local values = redis.call('HMGET', meta, 'session', 'acked', 'seq')
return {values[1], values[2], values[3], previous}
`,
  parse: (raw): OpenedRing => {
    const [session, acked, seq, previous] = list(raw);
    if (typeof session !== 'string') throw new TypeError('the ring has no session');
    return { session, acked: number(acked), lastSeq: number(seq), previous: ownerOf(previous) };
  },
});

export const READ_RING = defineScript({
  name: 'gatewayRingRead',
  keys: 1,
  lua: `
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
local answer = {}
for _, entry in ipairs(entries) do
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = entry[2][2]
  answer[#answer + 1] = entry[2][4]
  answer[#answer + 1] = entry[2][6] or ''
end
return answer
`,
  parse: (raw): readonly RingEvent[] => {
    const flat = list(raw);
    const events: RingEvent[] = [];
    for (let i = 0; i + 3 < flat.length; i += 4) {
      events.push({
        seq: number(String(flat[i]).split('-', 1)[0]),
        type: String(flat[i + 1]),
        payload: String(flat[i + 2]),
        traceparent: String(flat[i + 3]),
      });
    }
    return events;
  },
});

const KEEP_KINDS: Readonly<Record<string, 'replaced' | 'lost'>> = { replaced: 'replaced', lost: 'lost' };

export const KEEP_RING = defineScript({
  name: 'gatewayRingKeep',
  keys: 3,
  lua: `
local meta, events, presence = KEYS[1], KEYS[2], KEYS[3]
local current = redis.call('GET', presence)
if current and string.sub(current, 1, #ARGV[1] + 1) ~= ARGV[1] .. '@' then return {'replaced', 0} end
redis.call('SET', presence, ARGV[2], 'PX', ARGV[3])
local values = redis.call('HMGET', meta, 'session', 'seq')
if not values[1] then
  redis.call('HSET', meta, 'session', ARGV[5], 'seq', ARGV[6], 'acked', ARGV[6])
  values = {ARGV[5], ARGV[6]}
end
if values[1] ~= ARGV[5] then return {'lost', 0} end
redis.call('PEXPIRE', meta, ARGV[4])
redis.call('PEXPIRE', events, ARGV[4])
return {'kept', values[2]}
`,
  parse: (raw): KeepResult => {
    const [kind, seq] = list(raw);
    const ended = KEEP_KINDS[String(kind)];
    return ended === undefined ? { kind: 'kept', lastSeq: number(seq) } : { kind: ended };
  },
});

export const ACK_RING = defineScript({
  name: 'gatewayRingAck',
  keys: 2,
  lua: `
local values = redis.call('HMGET', KEYS[1], 'session', 'acked', 'seq')
if values[1] ~= ARGV[1] then return 0 end
local seq = math.min(tonumber(ARGV[2]), tonumber(values[3]))
if seq <= tonumber(values[2]) then return 0 end
redis.call('HSET', KEYS[1], 'acked', seq)
redis.call('XTRIM', KEYS[2], 'MINID', (seq + 1) .. '-0')
return 1
`,
  parse: () => undefined,
});

export const LEAVE_RING = defineScript({
  name: 'gatewayRingLeave',
  keys: 1,
  lua: `
local current = redis.call('GET', KEYS[1])
if current and string.sub(current, 1, #ARGV[1] + 1) == ARGV[1] .. '@' then redis.call('DEL', KEYS[1]) end
return 0
`,
  parse: () => undefined,
});
