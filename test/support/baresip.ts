// A real baresip for tests: a phone of its own with a voice, whose keys the test presses.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sampleRate } from '../../src/simulate/rtp/g711.ts';
import { Ear, type Heard } from '../../src/simulate/rtp/ear.ts';
import { tone } from '../../src/simulate/rtp/sources.ts';
import { eventually } from './eventually.ts';
import { keptUdpPort } from './sipp.ts';
import { wav } from './wav.ts';

/** Why no baresip can be started here; undefined when one can. For `{ skip: baresipMissing() ?? false }`. */
export function baresipMissing(): string | undefined {
  const { error } = spawnSync('baresip', ['-h'], { stdio: 'ignore' });
  if (!error && modules() !== undefined) return undefined;
  return 'NOT TESTED: baresip is not installed (Debian and Ubuntu: apt install baresip-core)';
}

/** Where the distribution puts the modules. */
function modules(): string | undefined {
  const [control] = globSync(['/usr/lib/baresip/modules/ctrl_tcp.so', '/usr/lib/*/baresip/modules/ctrl_tcp.so']);
  return control === undefined ? undefined : path.dirname(control);
}

/** What baresip says of itself (module ctrl_tcp). */
export interface BaresipEvent {
  /** CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, CALL_TRANSFER … */
  type: string;
  param?: string;
}

interface Answer {
  response: true;
  ok: boolean;
  data: string;
  token: string;
}

export interface BaresipOptions {
  /** It takes calls to this number only. */
  number: string;
  /** Hz: what it says. */
  voice: number;
  /** Hz: what is listened for. */
  hears: readonly number[];
  port?: number;
  /** Codecs, the preferred one first. */
  codecs?: string;
}

export class Baresip {
  /** Where it takes calls. */
  readonly port: number;
  readonly events: BaresipEvent[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #expected: readonly number[];
  readonly #answers = new Map<string, (answer: Answer) => void>();
  #control: Socket | undefined;
  #said = '';
  #asked = 0;
  /** Octets of each recording that were listened to. */
  readonly #listened = new Map<string, number>();

  private constructor(child: ChildProcess, port: number, folder: string, expected: readonly number[]) {
    this.#child = child;
    this.port = port;
    this.#folder = folder;
    this.#expected = expected;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#said = (this.#said + text).slice(-4_000)));
    }
  }

  /** Starts it, and connects to its control port. End it with `close`. */
  static async start({ number, voice, hears, codecs = 'PCMA', port }: BaresipOptions): Promise<Baresip> {
    const folder = await mkdtemp(path.join(tmpdir(), 'ringaway-baresip-'));
    const recordings = path.join(folder, 'heard');
    await mkdir(recordings);
    await writeFile(path.join(folder, 'voice.wav'), wav(tone(voice)(8 * sampleRate)));
    const own = port ?? (await keptUdpPort());
    await keptUdpPort(); // the next one, where it listens for TLS
    const control = await keptUdpPort();
    await writeFile(path.join(folder, 'config'), configuration(folder, own, control));
    const account = `<sip:${number}@127.0.0.1>;regint=0;audio_codecs=${codecs};transport=udp;answermode=manual`;
    await writeFile(path.join(folder, 'accounts'), `${account}\n`);
    const child = spawn('baresip', ['-f', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    process.once('exit', () => void child.kill('SIGKILL'));
    const phone = new Baresip(child, own, folder, hears);
    try {
      await phone.#connect(control);
    } catch (error) {
      await phone.close();
      throw error;
    }
    return phone;
  }

  dial(uri: string): Promise<string> {
    return this.press('dial', uri);
  }

  /** Resolves with what it said. @throws what it said when it could not */
  async press(command: string, parameters = ''): Promise<string> {
    const token = `${command}-${++this.#asked}`;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`baresip did not answer "${command}": ${this.#said}`)), 10_000);
      this.#answers.set(token, (given) => {
        clearTimeout(late);
        resolve(given);
      });
      const text = JSON.stringify({ command, params: parameters, token });
      this.#control?.write(`${Buffer.byteLength(text)}:${text},`);
    });
    if (!answer.ok) throw new Error(`baresip: ${command} ${parameters}: ${answer.data}`);
    return answer.data;
  }

  /** The first event of that type from number `from` on, past or to come. */
  async event(type: string, from = 0): Promise<BaresipEvent> {
    const found = () => this.events.slice(from).find((event) => event.type === type);
    await eventually(`baresip: ${type}`, () => found() !== undefined).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said ${JSON.stringify(this.events.map((event) => event.type))}`);
    });
    return found() as BaresipEvent;
  }

  /** Listens anew from now on, until this tone was heard for so long. Its recordings end where it is put on hold. */
  async hears(frequency: number, seconds: number): Promise<Heard> {
    this.#fresh(); // what came before does not count
    const ear = new Ear(this.#expected);
    const enough = () => ear.heard.tones.some((heard) => heard.frequency === frequency && heard.seconds >= seconds);
    await eventually(`baresip hears ${frequency} Hz`, () => {
      for (const samples of this.#fresh()) ear.hear(samples, false);
      return enough();
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}: it heard ${JSON.stringify(ear.heard)}`);
    });
    return ear.heard;
  }

  /** What was added to its recordings of the far side since the last time. */
  #fresh(): Int16Array[] {
    return globSync(path.join(this.#folder, 'heard', '*-dec.wav')).map((file) => {
      const octets = readFileSync(file);
      const before = this.#listened.get(file) ?? 44; // behind the header of the file
      // Two calls within a second have one name for their files, which then begins anew
      const from = before > octets.length ? 44 : before;
      const to = octets.length - (octets.length % 2);
      if (to <= from) return new Int16Array(0);
      this.#listened.set(file, to);
      const samples = new Int16Array((to - from) / 2);
      for (let index = 0; index < samples.length; index++) samples[index] = octets.readInt16LE(from + 2 * index);
      return samples;
    });
  }

  async close(): Promise<void> {
    this.#control?.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #connect(port: number): Promise<void> {
    await eventually('the control port of baresip', async () => {
      if (this.#child.exitCode !== null) throw new Error(`baresip ended: ${this.#said}`);
      const socket = connect({ host: '127.0.0.1', port });
      const opened = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      if (opened) this.#control = socket;
      else socket.destroy();
      return opened;
    });
    let rest = Buffer.alloc(0);
    this.#control?.on('error', () => undefined); // it ends with the process
    this.#control?.on('data', (octets) => {
      rest = Buffer.concat([rest, octets]);
      // Netstrings: LENGTH:TEXT,
      for (let colon = rest.indexOf(':'); colon > 0; colon = rest.indexOf(':')) {
        const length = Number(rest.toString('latin1', 0, colon));
        if (rest.length < colon + length + 2) return;
        this.#heard(rest.toString('utf8', colon + 1, colon + 1 + length));
        rest = rest.subarray(colon + length + 2);
      }
    });
  }

  #heard(text: string): void {
    const said = JSON.parse(text) as Answer | (BaresipEvent & { event: true });
    if ('event' in said) {
      this.events.push(said);
      return;
    }
    this.#answers.get(said.token)?.(said);
    this.#answers.delete(said.token);
  }
}

function configuration(folder: string, port: number, control: number): string {
  // Its own TLS port is the next one; the ports of its voices lie apart from those of rtpengine and of SIPp.
  const first = 26_000 + 2 * Math.floor(Math.random() * 2_000);
  return `poll_method epoll
sip_listen 127.0.0.1:${port}
call_local_timeout 120
net_interface 127.0.0.1
audio_source aufile,${folder}/voice.wav
audio_player aubridge,heard
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
ausrc_format s16
auplay_format s16
rtp_ports ${first}-${first + 100}
rtp_bandwidth 512-1024
rtcp_mux no
jitter_buffer_delay 5-10
snd_path ${folder}/heard
module_path ${modules()}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:${control}
`;
}
