import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { describeBackground } from './contract-background.ts';
import { describeConversations } from './contract-conversations.ts';
import { describeRetention } from './contract-retention.ts';
import { describeStore } from './contract.ts';

for (const describe of [describeStore, describeConversations, describeBackground, describeRetention]) {
  describe('memory', async () => createMemoryStore());
}
