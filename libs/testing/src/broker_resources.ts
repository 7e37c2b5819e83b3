import { type BrokerAdmin, evalErlang, unwrapAdminResult } from '@warren/provision';

/** What one user holds on a broker. */
export interface UserResources {
  readonly connections: number;
  readonly channels: number;
  readonly consumers: number;
  /** Deliveries that were not settled yet. */
  readonly unsettled: number;
}

// Counted inside the broker: what it prints stays short, whatever it holds.
const COUNT_EXPRESSION = [
  'Add = fun(U, K, N, M) -> maps:update_with(U, fun(T) -> maps:update_with(K, fun(V) -> V + N end, T) end, M) end,',
  'Zero = #{connections => 0, channels => 0, consumers => 0, unsettled => 0},',
  'Cs = [proplists:get_value(user, I) || I <- rabbit_networking:connection_info_all([user])],',
  'Hs = rabbit_channel:info_all([user, consumer_count, messages_unacknowledged]),',
  'Us = lists:usort(Cs ++ [proplists:get_value(user, I) || I <- Hs]),',
  'M0 = maps:from_list([{U, Zero} || U <- Us]),',
  'M1 = lists:foldl(fun(U, M) -> Add(U, connections, 1, M) end, M0, Cs),',
  'M2 = lists:foldl(fun(I, M) -> U = proplists:get_value(user, I),',
  '  Add(U, channels, 1, Add(U, consumers, proplists:get_value(consumer_count, I),',
  '  Add(U, unsettled, proplists:get_value(messages_unacknowledged, I), M))) end, M1, Hs),',
  'Line = fun(U, T) -> io_lib:format("~s ~b ~b ~b ~b;",',
  '  [U | [maps:get(K, T) || K <- [connections, channels, consumers, unsettled]]]) end,',
  'lists:flatten([Line(U, T) || {U, T} <- maps:to_list(M2)]).',
].join(' ');

/** Connections, channels and consumers of every user, as the broker counts them now. Takes about a second; by rabbitmqctl only. */
export async function brokerResources(admin: BrokerAdmin): Promise<Readonly<Record<string, UserResources>>> {
  if (admin.kind !== 'rabbitmqctl') throw new TypeError('a broker is counted by rabbitmqctl: use a private one');
  const printed = unwrapAdminResult(await evalErlang(admin, COUNT_EXPRESSION));
  const lines = printed.matchAll(/([^\s";]+) (\d+) (\d+) (\d+) (\d+);/g);
  return Object.fromEntries(
    Array.from(lines, ([, user = '', ...counts]) => {
      const [connections = 0, channels = 0, consumers = 0, unsettled = 0] = counts.map(Number);
      return [user, { connections, channels, consumers, unsettled }];
    }),
  );
}

/** Memory above this many bytes raises the broker's alarm: publishers are blocked until the limit is taken back. */
export async function raiseMemoryAlarm(admin: BrokerAdmin, limitBytes = 1_000_000): Promise<void> {
  await setMemoryLimit(admin, `{absolute, ${limitBytes}}`);
}

export async function clearMemoryAlarm(admin: BrokerAdmin): Promise<void> {
  await setMemoryLimit(admin, '0.4');
}

async function setMemoryLimit(admin: BrokerAdmin, limit: string): Promise<void> {
  if (admin.kind !== 'rabbitmqctl') throw new TypeError('an alarm is raised by rabbitmqctl: use a private broker');
  unwrapAdminResult(await evalErlang(admin, `vm_memory_monitor:set_vm_memory_high_watermark(${limit}).`));
}
