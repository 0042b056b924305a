import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { checkSettings, loadSettings, refuseBadSounds } from '../../../src/config.ts';
import { faultOfSoundFile } from '../../../src/media/sound-file.ts';
import { Failure } from '../../../src/shared/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { folderWith } from './site.ts';

const wav = Buffer.from('RIFF\x24\0\0\0WAVEfmt ', 'latin1');
const relayed = 'media: { mode: rtpengine, engines: [udp://127.0.0.1:2223] }\n';

describe('the sound files of the settings', () => {
  test('are found beside the settings file, and are then absolute', (t) => {
    const yaml = `${relayed}calls: { answerEarly: true, music: music/a.wav, announcements: { wait: /srv/wait.mp3 } }`;
    const folder = folderWith(t, { 'ringaway.yaml': yaml });
    mkdirSync(path.join(folder, 'music'));
    writeFileSync(path.join(folder, 'music/a.wav'), wav);
    const { calls } = loadSettings({ file: path.join(folder, 'ringaway.yaml'), environment: {} });
    assert.equal(calls.music, path.join(folder, 'music/a.wav'));
    assert.deepEqual(calls.announcements, { wait: '/srv/wait.mp3' });
    assert.equal(calls.answerEarly, true);
  });

  test('that are missing or no sound are told at once, each in a line, by the check and at the start', (t) => {
    const yaml = `${relayed}calls:\n  music: none.wav\n  announcements: { wait: text.mp3, busy: good.wav }`;
    const folder = folderWith(t, { 'ringaway.yaml': yaml, 'text.mp3': 'this is no music, '.repeat(10) });
    writeFileSync(path.join(folder, 'good.wav'), wav);
    const source = { file: path.join(folder, 'ringaway.yaml'), environment: {} };
    const linesOf = (check: () => unknown): string[] => {
      try {
        check();
        return [];
      } catch (error) {
        assert.ok(error instanceof Failure && error.code === 'bad-setting', String(error));
        return error.message.replaceAll(`${folder}/`, '').split('\n');
      }
    };
    const says = ['the file none.wav does not exist', 'the file text.mp3 is neither wav nor mp3'];
    assert.deepEqual(
      linesOf(() => refuseBadSounds(loadSettings(source))),
      [`calls.music: ${says[0]}`, `calls.announcements.wait: ${says[1]}`],
    );
    assert.deepEqual(
      linesOf(() => checkSettings(source, new FakeClock())),
      [`calls.music: ${says[0]} (ringaway.yaml:3)`, `calls.announcements.wait: ${says[1]} (ringaway.yaml:4)`],
    );
    writeFileSync(path.join(folder, 'none.wav'), wav);
    writeFileSync(path.join(folder, 'text.mp3'), Buffer.from('ID3\x04\0', 'latin1'));
    assert.deepEqual(
      linesOf(() => checkSettings(source, new FakeClock())),
      [],
    );
  });
});

test('wav and mp3 are known by their first octets', (t) => {
  const folder = folderWith(t, {});
  const fault = (octets: Buffer): string | undefined => {
    const file = path.join(folder, 'file');
    writeFileSync(file, octets);
    return faultOfSoundFile(file)?.replace(file, 'it');
  };
  for (const good of [
    'RIFF\x24\0\0\0WAVEfmt ',
    'RF64\xff\xff\xff\xffWAVEds64',
    'ID3\x03\0',
    '\xff\xfb\x90\x44',
    '\xff\xf3\x40\xc4',
  ]) {
    assert.equal(fault(Buffer.from(good, 'latin1')), undefined, JSON.stringify(good));
  }
  // an AVI, AAC in ADTS, layer II, a reserved version, no bit rate, no sampling rate, half a head, nothing
  const others = ['RIFF\x24\0\0\0AVI LIST', '\xff\xf1\x50\x80', '\xff\xfd\x90\x44', '\xff\xeb\x90\x44'];
  for (const bad of [...others, '\xff\xfb\xf0\x44', '\xff\xfb\x9c\x44', 'RIFF', '']) {
    assert.equal(fault(Buffer.from(bad, 'latin1')), 'the file it is neither wav nor mp3', JSON.stringify(bad));
  }
  assert.match(faultOfSoundFile(folder) ?? '', /is a folder/);
});
