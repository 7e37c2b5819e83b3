/** A way in which Warren could be broken, and the profile under which the lab has to notice it. */
export interface Mutant {
  /** Name of the patch below `mutants/`, without its ending. */
  readonly name: string;
  readonly summary: string;
  readonly profile: string;
}

export const MUTANTS: readonly Mutant[] = [
  { name: 'm01_no_confirm', summary: 'publishes count as confirmed when they are written', profile: 'holes' },
  { name: 'm02_early_ack', summary: 'commands are acked before their handler runs', profile: 'crashes' },
  {
    name: 'm03_inbox_outside',
    summary: 'the inbox is asked and written outside of the transaction',
    profile: 'doubles',
  },
  { name: 'm10_no_error_listener', summary: 'nobody listens to the errors of a connection', profile: 'resets' },
  { name: 'm11_requeue_for_ever', summary: 'what failed is put back into its queue at once', profile: 'retries' },
  { name: 'm12_one_connection', summary: 'publishing and consuming share one connection', profile: 'alarms' },
  { name: 'm13_shared_replies', summary: 'all processes of a service share one reply queue', profile: 'quiet' },
  { name: 'm14_wall_clock', summary: 'timeouts are measured by the wall clock', profile: 'clocks' },
  { name: 'm17_null_delivery', summary: 'the end of a consumer goes unnoticed', profile: 'deletions' },
  { name: 'm18_no_timeouts', summary: 'Postgres is waited for without a limit', profile: 'half_open' },
  { name: 'm19_outbox_first', summary: 'messages are sent before their transaction commits', profile: 'rollbacks' },
  { name: 'm20_hasty_end', summary: 'a process that ends drops its connections first', profile: 'rolling' },
];
