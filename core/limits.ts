// Every bound of the platform, with its unit in its name.

export const limits = {
  /** Declarations. */
  documentBytesMax: 256 * 1024,
  documentDepthMax: 64,
  documentKeysMax: 10_000,
  nameCharsMax: 40,
  expressionCharsMax: 16 * 1024,
  expressionNodesMax: 2_000,
  expressionDepthMax: 64,
  routeSinksMax: 16,
  streamPartitionsMax: 1_024,
  jobWorkersMax: 64,
  routeOperatorsMax: 32,
  /** Of one partition, back from where a worker stands: as many are read again before it goes on after a restart. */
  dedupEventsMax: 1_000_000,

  /** Records. */
  recordBytesMax: 4 * 1024 * 1024,
  recordDepthMax: 256,
  recordKeyBytesMax: 64 * 1024,
  /** What one event may become where a list is exploded. */
  explodedRecordsMax: 10_000,
  explodedBytesMax: 16 * 1024 * 1024,
  /** Schemas of Avro and Protobuf: their text, and the types in it. */
  schemaCharsMax: 256 * 1024,
  schemaNodesMax: 10_000,
  /** The same when names are followed: types in each other, and pairs of types that are read as one another. */
  schemaLevelsMax: 800,
  schemaStepsMax: 100_000,
  /** Schemas that one schema uses, and those that they use. */
  schemaReferencesMax: 100,
  /** Schemas of a stream's records that a worker keeps at once. */
  schemasKnownMax: 1_000,
  /** Of a decimal: what 64 bytes hold. */
  decimalDigitsMax: 150,
  /** The JSON that one record may become when it is decoded. */
  decodedBytesMax: 16 * 1024 * 1024,
  /** Of what an expression makes of one event: a text, a JSON value or an array as text, and items of an array. */
  resultCharsMax: 4 * 1024 * 1024,
  resultJsonCharsMax: 16 * 1024 * 1024,
  resultItemsMax: 4 * 1024 * 1024,
  /** A dead letter carries the original plus its reason in headers, so its topic takes somewhat more. */
  deadLetterBytesMax: 5 * 1024 * 1024,
  /** Of the reason in words: it may quote a value as long as the record. */
  deadLetterMessageBytesMax: 1_024,

  /** API. */
  /** Of one tenant, over all instances; a burst as well as what comes every second. */
  tenantRequests: { perSecond: 50, burst: 200 },
  requestBytesMax: 6 * 1024 * 1024,
  pageItemsMax: 200,
  tailRecordsMax: 10_000,
  requestRecordsMax: 10_000,
  idempotencyKeyCharsMax: 255,
  authorCharsMax: 200,
  reasonCharsMax: 1_000,

  /** Goal store. */
  revisionsReadMax: 1_000,
  eventsKeptPerSubject: 1_000,

  /** Worker. */
  fetchBytesMax: 8 * 1024 * 1024,
  fetchPartitionBytesMax: 1024 * 1024,
  produceBatchBytesMax: 512 * 1024,
  produceInFlightMax: 5,
  /** Output written and not yet acknowledged; above it nothing more is read. */
  producePendingBytesMax: 16 * 1024 * 1024,
  /** The same for a sink over HTTP, with the originals that it keeps for dead letters. */
  sinkPendingBytesMax: 16 * 1024 * 1024,
  /** Output in open transactions of a worker; above it they are committed before their interval is over. */
  transactionBytesMax: 64 * 1024 * 1024,
  heartbeatErrorsMax: 10,
  /** A broker that asks for a longer pause is asked again after this. */
  throttleMsMax: 30_000,
  /** Files of tables being gathered at once, of all folders and splits of a worker. */
  warehouseFilesOpenMax: 100,

  /** Control loop. */
  lastLogLines: 20,
  lastLogLineChars: 1_000,
  clientTokenCharsMax: 64,
  /** What a pass decided is carried out only within this time after it began to read: after it, the next pass looks again. */
  decisionMsMax: 30_000,
  /** What cannot be undone is done only within this time after the look was asked for that allows it. */
  lookMsMax: 5_000,
  destroyJobsAtOnceMin: 5,
  destroyJobsAtOnceShare: 0.1,
  /** Jobs whose workers report and ail all the same; where more do at once, none of them is restarted. */
  correctJobsAtOnceMin: 5,
  correctJobsAtOnceShare: 0.1,
} as const;
