// What each kind of operation plans when it is asked for, and what it leaves as its receipt: closed lists, by kind.
import type { ReplayPlan, ReplayReceipt } from '#core/operations/replay.ts';
import type { RewindPlan, RewindReceipt } from '#core/operations/rewind.ts';
import type { SwitchPlan, SwitchReceipt } from '#core/operations/switch.ts';

export type OperationPlan = RewindPlan | ReplayPlan | SwitchPlan;
export type OperationReceipt = RewindReceipt | ReplayReceipt | SwitchReceipt;
