// What the kernel says of a process (Linux, proc(5)).
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of sysconf(_SC_CLK_TCK), which is 100 on every Linux that Node.js runs on. */
const millisecondsOfTick = 10;

/** User and system time since its start, all threads. Milliseconds, in steps of 10. */
export function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The command's name stands in brackets and may hold spaces; the state is the third field, utime and stime 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * millisecondsOfTick;
}

/** Resident memory. Octets. */
export function residentMemory(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kilobytes) * 1024;
}

/** The process that listens on a TCP port of this machine; undefined when there is none or it may not be seen. */
export function listenerOf(port: number): number | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  // Local address, remote address, state 0A (listening), queues, timer, retransmissions, user, time-out, inode.
  const listening = new RegExp(`: [0-9A-F]+:${hex} [0-9A-F]+:0000 0A(?: +\\S+){5} +(\\d+)`);
  const inode = ['tcp', 'tcp6'].map((table) => listening.exec(readTable(table))?.[1]).find((one) => one !== undefined);
  if (inode === undefined) return undefined;
  return processes().find((pid) => holds(pid, `socket:[${inode}]`));
}

function readTable(name: string): string {
  try {
    return readFileSync(`/proc/net/${name}`, 'latin1');
  } catch {
    return ''; // a kernel without IPv6
  }
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function holds(pid: number, target: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`) === target);
  } catch {
    return false; // another user's, or ended meanwhile
  }
}
