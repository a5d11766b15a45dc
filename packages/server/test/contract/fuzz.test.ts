/** A small campaign of the fuzzer (`fuzz/main.ts`): the long one is for nights. */
import { expect, it } from 'vitest';
import { runCampaign } from '../../../../fuzz/campaign.ts';

it('survives some thousands of hostile inputs', async () => {
  const { finding, inputs, responses } = await runCampaign({ inputs: 4000, seed: 7 });
  expect(finding).toBeNull();
  expect(inputs).toBeGreaterThanOrEqual(4000);
  // Not all are refused: what is right must get through between them.
  expect(responses).toBeGreaterThan(400);
});
