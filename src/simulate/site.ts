import { writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The settings of a site in their smallest form; JSON is YAML. */
export async function writeSettings(folder: string, network: string, engines: readonly string[]): Promise<string> {
  const file = path.join(folder, 'ringaway.yaml');
  const settings = {
    node: 'demo',
    sip: { listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'] },
    trunks: [{ name: 'ngn', peers: ['127.0.0.1/32'], gateways: [`sip:${network}`] }],
    routes: [{ prefix: '+', trunk: 'ngn' }],
    numbering: { defaultCountry: 'CN', areaCode: '755' },
    media: engines.length > 0 ? { mode: 'rtpengine', engines } : { mode: 'direct' },
    store: { kind: 'embedded', path: path.join(folder, 'data') },
    http: { listen: '127.0.0.1:0' },
  };
  await writeFile(file, JSON.stringify(settings));
  return file;
}
