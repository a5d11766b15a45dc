/** The peers that can be had as packages and run by themselves. Versions are exact: a newer one is measured when this line changes. */
import { nineRouter } from './nine-router.ts';
import { opencodex } from './opencodex.ts';
import type { Peer } from './peer.ts';
import { portkey } from './portkey.ts';

export const peers: readonly Peer[] = [portkey, opencodex, nineRouter];
