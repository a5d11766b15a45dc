/** TLS in front of a server of the benchmark. Arguments: the server's URL, the key's and the certificate's path. */
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { benchHost, obeySignals } from '../servers/announce.ts';

const [target = '', keyPath = '', certificatePath = ''] = process.argv.slice(2);
const { hostname, port } = new URL(target);
const options = { key: readFileSync(keyPath), cert: readFileSync(certificatePath), noDelay: true };

const server = createServer(options, (outside) => {
  const inside = connect({ host: hostname, port: Number(port), noDelay: true });
  const end = (): void => {
    outside.destroy();
    inside.destroy();
  };
  outside.on('error', end).on('close', end).pipe(inside);
  inside.on('error', end).on('close', end).pipe(outside);
});
server.on('tlsClientError', () => {});
server.listen(0, benchHost(), () => {
  const { address, port: ours } = server.address() as AddressInfo;
  process.stdout.write(`https://${address}:${ours}\n`);
});
obeySignals();
