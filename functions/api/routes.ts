// The table of the API: the router and the OpenAPI document are both made from it.
import { appendRecords } from '#functions/api/append-records.ts';
import { applyDocuments } from '#functions/api/apply-documents.ts';
import { deleteRoute } from '#functions/api/delete-route.ts';
import { deleteStream } from '#functions/api/delete-stream.ts';
import { listEndings } from '#functions/api/endings.ts';
import type { Endpoint } from '#functions/api/endpoint.ts';
import { freezeEndpoints } from '#functions/api/freezes.ts';
import { getHealth } from '#functions/api/get-health.ts';
import { getJob } from '#functions/api/get-job.ts';
import { getJobConfig } from '#functions/api/get-job-config.ts';
import { getOpenapi } from '#functions/api/get-openapi.ts';
import { getOperation } from '#functions/api/get-operation.ts';
import { getRoute } from '#functions/api/get-route.ts';
import { getStream } from '#functions/api/get-stream.ts';
import { approveHeld, listHeld } from '#functions/api/held.ts';
import { diffTimes, restoreTime } from '#functions/api/history.ts';
import { listJobEvents, listStreamEvents } from '#functions/api/list-events.ts';
import { listJobs } from '#functions/api/list-jobs.ts';
import { listOperations } from '#functions/api/list-operations.ts';
import { listRouteRevisions } from '#functions/api/list-route-revisions.ts';
import { listRoutes } from '#functions/api/list-routes.ts';
import { listStreamRevisions } from '#functions/api/list-stream-revisions.ts';
import { listStreams } from '#functions/api/list-streams.ts';
import { plan } from '#functions/api/plan.ts';
import { putRoute } from '#functions/api/put-route.ts';
import { putStream } from '#functions/api/put-stream.ts';
import { readDeadLetters } from '#functions/api/read-dead-letters.ts';
import { readRecords } from '#functions/api/read-records.ts';
import { requestOperation } from '#functions/api/request-operation.ts';
import { rollbackRoute } from '#functions/api/rollback-route.ts';
import { clearJobConfig, clearTeamConfig, setJobConfig, setTeamConfig } from '#functions/api/set-config.ts';
import { sql } from '#functions/api/sql.ts';
import { getDeadLetterSummary } from '#functions/api/summarize-dead-letters.ts';
import { tryRoute } from '#functions/api/try-route.ts';
import { undeleteRoute, undeleteStream } from '#functions/api/undelete.ts';
import { verifyAudit } from '#functions/api/verify-audit.ts';

/** All that is described; the description itself is added by `endpoints`. */
export const describedEndpoints: readonly Endpoint[] = [
  ...[listStreams, getStream, putStream, deleteStream, undeleteStream, listStreamRevisions, listStreamEvents],
  ...[appendRecords, readRecords],
  ...[listRoutes, getRoute, putRoute, deleteRoute, undeleteRoute, rollbackRoute, listRouteRevisions],
  ...[
    listJobs,
    getJob,
    listJobEvents,
    requestOperation,
    listOperations,
    getOperation,
    readDeadLetters,
    getDeadLetterSummary,
  ],
  ...[diffTimes, restoreTime],
  ...[listEndings, listHeld, approveHeld, ...freezeEndpoints],
  ...[plan, applyDocuments, tryRoute, sql],
  ...[getHealth, verifyAudit],
  ...[getJobConfig, setJobConfig, clearJobConfig, setTeamConfig, clearTeamConfig],
];

export const endpoints: readonly Endpoint[] = [...describedEndpoints, getOpenapi(describedEndpoints)];
