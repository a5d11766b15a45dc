import { expect, test } from 'vitest';
import {
  adviceForCloseCode,
  closeCodes,
  createCallId,
  createId,
  createItemId,
  createResponseId,
} from '../src/index.ts';

const nowMs = Date.UTC(2026, 2, 26, 22, 57, 21);
const seconds = '69c5b9d1';

test('ids have the form of the real service, and share its time', () => {
  const response = createResponseId(nowMs);
  expect(response).toMatch(new RegExp(`^resp_[0-9a-f]{16}00${seconds}[0-9a-f]{24}$`));
  const item = createItemId('msg', response, nowMs);
  expect(item).toMatch(new RegExp(`^msg_${response.slice(5, 23)}${seconds}[0-9a-f]{24}$`));
  expect(createItemId('fc', 'resp_foreign', nowMs)).toMatch(new RegExp(`^fc_[0-9a-f]{16}00${seconds}[0-9a-f]{24}$`));
  expect(createCallId()).toMatch(/^call_[A-Za-z0-9]{24}$/);
  expect(createId('steer')).toMatch(/^steer_[0-9a-f]{32}$/);
});

test('ids do not repeat', () => {
  const ids = Array.from({ length: 5000 }, () => createResponseId(nowMs));
  expect(new Set(ids).size).toBe(ids.length);
});

test('every close code that we send gives the advice that its table says', () => {
  for (const { code, advice } of Object.values(closeCodes)) expect(adviceForCloseCode(code)).toBe(advice);
  expect([1005, 1006, 1015].map(adviceForCloseCode)).toEqual(['reconnect', 'reconnect', 'reconnect']);
  expect([1002, 1003, 1007, 4402].map(adviceForCloseCode)).toEqual(['terminal', 'terminal', 'terminal', 'terminal']);
});
