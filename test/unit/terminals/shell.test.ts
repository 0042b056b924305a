import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import type { Refusal } from '../../../src/call/ports.ts';
import { commandsInFull, hintsFor, parseCommand } from '../../../src/cli/commands/terminal/commands.ts';
import type { Standing } from '../../../src/cli/commands/terminal/happenings.ts';
import { liveLines, Screen } from '../../../src/cli/commands/terminal/screen.ts';
import { inWords, stateInWords } from '../../../src/cli/commands/terminal/words.ts';
import type { Call } from '../../../src/terminals/events.ts';
import { waitingCall } from '../../support/fake-calls.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('what a person types', () => {
  for (const [line, expected] of [
    ['13800138000', { do: 'transfer', to: ['13800138000'] }],
    [' 0755-2000 0001 ', { do: 'transfer', to: ['0755-2000 0001'] }],
    [
      '#2 +8613800138000 pin=4711 mode=refer',
      { do: 'transfer', call: 2, to: ['+8613800138000'], pin: '4711', mode: 'refer' },
    ],
    ['t terminal password=a=b', { do: 'transfer', to: ['terminal'], password: 'a=b' }],
    ['sip:desk@example.com', { do: 'transfer', to: ['sip:desk@example.com'] }],
    ['sip:a,b@example.com', { do: 'transfer', to: ['sip:a,b@example.com'] }],
    [
      '0755-2000 0001, terminal ,sip:a@b pin=4711',
      { do: 'transfer', to: ['0755-2000 0001', 'terminal', 'sip:a@b'], order: 'together', pin: '4711' },
    ],
    ['13800138000>13900139000', { do: 'transfer', to: ['13800138000', '13900139000'], order: 'in-turn' }],
    ['m 13800138000', { do: 'transfer', move: 'blind', to: ['13800138000'] }],
    ['#4 move 1380 > 1390', { do: 'transfer', call: 4, move: 'blind', to: ['1380', '1390'], order: 'in-turn' }],
    ['a 0755 2000 0001', { do: 'transfer', move: 'attended', to: ['0755 2000 0001'] }],
    ['ask 95588 mode=bridge', { do: 'transfer', move: 'attended', to: ['95588'], mode: 'bridge' }],
    ['c', { do: 'complete' }],
    ['#3 complete', { do: 'complete', call: 3 }],
    ['d', { do: 'decline' }],
    ['#3 h', { do: 'hangup', call: 3 }],
    ['HOLD', { do: 'hold' }],
    ['k 12#', { do: 'digits', digits: '12#' }],
    ['q', { do: 'quit' }],
    ['', { do: 'nothing' }],
  ] as const) {
    test(JSON.stringify(line), () => assert.deepEqual(parseCommand(line), expected));
  }

  test('what is neither number nor command is a mistake, said clearly', () => {
    for (const line of [
      'dial home',
      '#2',
      '13800138000 mode=fly',
      'constructor',
      '__proto__',
      'm',
      'a home',
      '1, 2 > 3',
    ]) {
      const command = parseCommand(line);
      assert.equal(command.do, 'mistake', line);
    }
  });

  test('no line is too odd', () => {
    fc.assert(fc.property(fc.string(), (line) => typeof parseCommand(line).do === 'string'));
  });
});

describe('help', () => {
  test('the hints are those of the calls that stand', () => {
    assert.equal(hintsFor([]), '? = all commands · q = quit');
    assert.match(hintsFor(['waiting']), /^NUMBER = transfer · d = decline · h = hang up/);
    assert.match(hintsFor(['connected']), /^m NUMBER = move · a NUMBER = ask first · hold · h/);
    assert.match(hintsFor(['held']), /a NUMBER = ask first · resume · h/);
    assert.match(hintsFor(['moving']), /^c = complete · resume = back · h/);
  });

  test('every example of the help is a command', () => {
    const examples = commandsInFull.split('\n').flatMap((line) =>
      line
        .slice(2, 23)
        .trim()
        .split(/, (?=[a-z])/),
    );
    assert.ok(examples.length > 12);
    for (const example of examples.map((text) => text.replaceAll('…', '00')).filter((text) => !text.startsWith('00'))) {
      assert.notEqual(parseCommand(example.replace(/^#2 00$/, '#2 h')).do, 'mistake', example);
    }
  });
});

describe('the screen', () => {
  const clock = new FakeClock();
  const standing: Standing = {
    connection: 'online',
    account: 'shop1',
    numbers: ['+8675520000001'],
    calls: [
      { number: 1, call: waitingCall('c1') },
      { number: 2, call: waitingCall('c2', { caller: null, callerWithheld: true }) },
    ],
  };

  test('shows caller, first called number and the time left', () => {
    const text = stripVTControlCharacters(liveLines(standing, '138', clock.now() + 18_000, 120).join('\n'));
    assert.match(text, /● shop1 {2}\+8675520000001/);
    assert.match(text, /#1 {2}\+8613800138000 → \+8675520000001 .*0:42 {2}waiting for a number/);
    assert.match(text, /#2 {2}a withheld number → /);
    assert.match(text, /› 138$/);
  });

  test('no line is longer than the tty, whatever its width', () => {
    for (const columns of [1, 20, 40, 80]) {
      for (const line of liveLines(standing, '1'.repeat(99), clock.now(), columns)) {
        assert.ok(stripVTControlCharacters(line).length <= Math.max(1, columns - 1), `${columns}: ${line}`);
      }
    }
  });

  test('a secret is not shown while it is typed', () => {
    const text = liveLines({ ...standing, asks: 'PIN' }, '4711', clock.now(), 120).join('\n');
    assert.ok(!text.includes('4711'));
    assert.match(stripVTControlCharacters(text), /PIN › ••••$/);
  });

  test('is drawn anew each second until it is closed, and leaves nothing running', async () => {
    const time = new FakeClock();
    let written = '';
    const screen = new Screen({ write: (text) => (written += text), size: () => ({ columns: 80, rows: 24 }) }, time);
    screen.show({ ...standing, calls: [{ number: 1, call: waitingCall('c1') }] });
    assert.match(written, /1:00/);
    await time.advance(1_000);
    assert.match(written, /0:59/);
    screen.close();
    assert.equal(time.pendingTimers, 0);
  });
});

describe('what happened, in words', () => {
  const words = (reason: 'answered-elsewhere' | 'withdrawn') =>
    inWords(
      {
        event: 'call:ended',
        call: waitingCall('c1', { state: 'ended', end: { reason, at: '2026-01-01T00:00:05.000Z' } }),
      },
      1,
      0,
    );
  test('the ends of a call differ', () => {
    assert.equal(words('answered-elsewhere'), '#1 answered on the first phone');
    assert.equal(words('withdrawn'), '#1 the network took the call back');
  });

  test('how a call stands, and how it is moved', () => {
    const { target, ...call } = {
      ...waitingCall('c1'),
      target: { to: '+8675520000009', by: 't1', mode: 'bridge', attempt: 1, state: 'connected' } as const,
    };
    const move = { ...target, to: '+8613900139000', attempt: 2, attended: true } as const;
    const among = ['+861', '+862', '+863'];
    const cases: [Pick<Call, 'state' | 'target' | 'move'>, string][] = [
      [{ state: 'connecting', target: { ...target, to: '+861', among } }, 'calling +861, +862 and +863'],
      [{ state: 'ringing', target: { ...target, to: '+861', among } }, '+861, +862 and +863 ring'],
      [{ state: 'ringing', target }, '+8675520000009 rings'],
      [
        { state: 'connecting', target: { ...target, mode: 'refer' } },
        'asking the network to connect +8675520000009 (refer)',
      ],
      [
        { state: 'moving', target, move: { ...move, state: 'ringing', attended: false } },
        'moving: +8613900139000 rings; still connected with +8675520000009',
      ],
      [
        { state: 'moving', target, move: { ...move, state: 'connecting' } },
        'moving: calling +8613900139000; the caller hears music',
      ],
      [
        { state: 'moving', target, move },
        '+8675520000009 talks to +8613900139000, and the caller hears music: c = connect them, resume = back',
      ],
      [
        { state: 'connected', target, move: { ...move, state: 'failed', cause: 'target-busy' } },
        'connected with +8675520000009; not moved to +8613900139000: the number called is busy',
      ],
      [{ state: 'held', target }, 'held; connected with +8675520000009'],
    ];
    for (const [about, words] of cases) {
      assert.equal(stateInWords({ ...call, ...about }), words);
    }
  });

  test('a refusal says who won and when to try again', () => {
    const refused = (error: Refusal) =>
      inWords({ event: 'answer', request: 'call:transfer', answer: { ok: false, error } }, 2, 0);
    assert.equal(refused({ code: 'already-taken', message: 'Taken.', by: 't2' }), '#2 Taken. (t2)');
    assert.equal(refused({ code: 'locked', message: 'Wait.', retryAfter: 7 }), '#2 Wait. Try again in 7 s.');
  });
});
