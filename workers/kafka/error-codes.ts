// Kafka's error codes that the worker reacts to, and what each means for it.
import { protocolErrorsCodesById } from '@platformatic/kafka';

export const errorCodes = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  messageTooLarge: 10,
  recordListTooLarge: 18,
  coordinatorLoading: 14,
  coordinatorUnavailable: 15,
  notCoordinator: 16,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTransactionState: 48,
  invalidProducerMapping: 49,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  unknownProducer: 59,
  unstableOffset: 88,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
  transactionAbortable: 120,
} as const;

export const errorName = (code: number): string =>
  (protocolErrorsCodesById as Readonly<Record<number, string>>)[code] ?? `error ${code}`;

export const isTooLarge = (code: number): boolean =>
  code === errorCodes.messageTooLarge || code === errorCodes.recordListTooLarge;

/** The broker does not know our place in the sequence (any more), or refuses our producer id or our transaction. */
export const isSequenceLost = (code: number): boolean =>
  code === errorCodes.outOfOrderSequence ||
  code === errorCodes.unknownProducer ||
  code === errorCodes.invalidProducerEpoch ||
  code === errorCodes.producerFenced ||
  code === errorCodes.invalidTransactionState ||
  code === errorCodes.invalidProducerMapping ||
  code === errorCodes.transactionAbortable;

export const isAuthorization = (code: number): boolean =>
  code === errorCodes.topicAuthorizationFailed ||
  code === errorCodes.clusterAuthorizationFailed ||
  code === errorCodes.transactionalIdAuthorizationFailed ||
  code === errorCodes.groupAuthorizationFailed;
