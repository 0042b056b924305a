import type { SrvRecord } from './name-server.ts';

/**
 * The order in which servers are tried (RFC 2782): by priority, and among those of one by a draw in which each has a chance in
 * proportion to its weight. `.` means that there is no such service.
 * @param random 0 to below 1, each time it is asked
 */
export function inOrder(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const offered = records.filter(({ name, port }) => name !== '' && name !== '.' && port > 0);
  const priorities = [...new Set(offered.map(({ priority }) => priority))].sort((one, other) => one - other);
  return priorities.flatMap((priority) =>
    drawn(
      offered.filter((record) => record.priority === priority),
      random,
    ),
  );
}

function drawn(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  // Those of weight 0 first, so that they have hardly a chance while others are left
  const left = [...records].sort((one, other) => Number(one.weight > 0) - Number(other.weight > 0));
  const order: SrvRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const wanted = Math.floor(random() * (total + 1));
    let sum = 0;
    const index = left.findIndex(({ weight }) => (sum += weight) >= wanted);
    order.push(...left.splice(Math.max(index, 0), 1));
  }
  return order;
}
