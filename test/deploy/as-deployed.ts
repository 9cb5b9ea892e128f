// What the control flow is walked through with: bundled in parts, as it is deployed (./deployed-parts.ts).
export { createLambda } from '#functions/api/handler.ts';
export { composeApi } from '#functions/compose.ts';
export { composeReconciler } from '#functions/reconcile/compose.ts';
export { createReconcileHandler } from '#functions/reconcile/handler.ts';
export { runPass } from '#functions/reconcile/run-pass.ts';
