// The port to how many requests a tenant has left: one bucket a tenant, for all instances of the API together.

export interface RequestRate {
  readonly perSecond: number;
  /** At once, after a pause. */
  readonly burst: number;
}

/** Guarantees: racing calls of a tenant take no more than there is; one tenant's calls take nothing from another's. */
export interface RequestBudget {
  take(tenant: string): Promise<'taken' | 'spent'>;
}

/** Where one person works, nobody is kept from anybody. */
export const unlimitedRequests: RequestBudget = { take: async () => 'taken' };
