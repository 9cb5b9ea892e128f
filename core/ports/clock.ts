// The port to time, so that the control loop and its simulation can be given theirs.

export interface Clock {
  /** Wall clock, epoch ms. For people and for records; never for leases. */
  now(): number;
  /** Milliseconds that never go back, from an arbitrary start. For leases and timeouts. */
  monotonicMs(): number;
}
