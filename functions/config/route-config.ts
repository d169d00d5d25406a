import {
  type Decoder,
  expected,
  FAILED,
  type Failed,
  fail,
  list,
  nonEmptyString,
  object,
  type Place,
  placeOf,
  refine,
  required,
} from '../../contract/yaml/decode.ts';
import { receiverConfig } from './receiver.ts';
import type { ReceiverConfig, RouteConfig } from './types.ts';

const TENANT = /^[\w-]{1,64}$/;

/** The key `receivers`. */
export const receivers: Decoder<readonly ReceiverConfig[]> = refine(list(receiverConfig), (all, place) => {
  if (all.length === 0) return expected(place, 'at least one receiver', 'none');
  const names = all.map(({ name }) => name);
  // Positions and dead letters are kept by the name.
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice < 0) return all;
  const first = names.indexOf(names[twice] ?? '');
  return fail(placeOf(itemOf(place, twice), 'name'), `expected a name of its own, got that of receivers[${first}], "${names[twice]}"`);
});

const tenants: Decoder<RouteConfig['tenants']> = (place) => {
  const { node } = place;
  if (node.kind === 'text' && node.text === '*') return '*';
  if (node.kind !== 'list') return expected(place, '"*" or a list of tenants');
  if (node.items.length === 0) return expected(place, 'at least one tenant', 'none');
  return list(
    refine(nonEmptyString, (name, at) => (TENANT.test(name) ? name : expected(at, 'a tenant name of 1 to 64 letters, digits, _ and -'))),
  )(place);
};

/** The key `routes`; what it names is looked up by {@link checkRoutes}. */
export const routes: Decoder<readonly RouteConfig[]> = list(
  object({
    tenants: required(tenants),
    receivers: required(
      refine(list(nonEmptyString), (names, place) => (names.length > 0 ? names : expected(place, 'at least one receiver', 'none'))),
    ),
  }),
);

/**
 * Routes that name what there is, each of use, and one for every tenant. Without any, all receivers get all tenants.
 * @param place of the whole file
 */
export function checkRoutes(
  given: readonly RouteConfig[] | undefined,
  all: readonly ReceiverConfig[],
  tenantNames: readonly string[],
  place: Place,
): readonly RouteConfig[] | Failed {
  const names = all.map(({ name }) => name);
  if (given === undefined) return [{ tenants: '*', receivers: names }];
  const at = placeOf(place, 'routes');
  const before = place.errors.length;
  given.forEach((route, i) => {
    checkNames(route, names, placeOf(itemOf(at, i), 'receivers'));
    checkUse(given, i, tenantNames, itemOf(at, i));
  });
  for (const tenant of tenantNames) {
    if (given.some((route) => route.tenants === '*' || route.tenants.includes(tenant))) continue;
    const what = tenant === '*' ? 'the tenants that are not named' : `tenant ${tenant}`;
    fail(at, `expected a route for ${what}, got none; a last one with tenants: "*" takes all that are left`);
  }
  return place.errors.length === before ? given : FAILED;
}

function checkNames({ receivers: wanted }: RouteConfig, names: readonly string[], place: Place): void {
  wanted.forEach((name, i) => {
    if (!names.includes(name)) expected(itemOf(place, i), `one of the receivers ${names.join(', ')}`);
    else if (wanted.indexOf(name) < i) fail(itemOf(place, i), `expected each receiver once, got "${name}" again`);
  });
}

/** The first route that matches wins: one that never does is a mistake. */
function checkUse(given: readonly RouteConfig[], index: number, tenantNames: readonly string[], place: Place): void {
  const everything = given.findIndex(({ tenants: own }) => own === '*');
  if (everything >= 0 && everything < index) {
    fail(place, `never used: routes[${everything}] takes every tenant that is left; put it last`);
    return;
  }
  const own = given[index]?.tenants ?? [];
  if (own === '*') return;
  own.forEach((tenant, i) => {
    const item = itemOf(placeOf(place, 'tenants'), i);
    const earlier = given.findIndex((route) => route.tenants !== '*' && route.tenants.includes(tenant));
    if (earlier < index) fail(item, `never used: routes[${earlier}] takes tenant ${tenant}`);
    else if (own.indexOf(tenant) < i) fail(item, `expected each tenant once, got "${tenant}" again`);
    else if (!tenantNames.includes('*') && !tenantNames.includes(tenant)) expected(item, `one of the tenants ${tenantNames.join(', ')}`);
  });
}

/** The place of an item of this list. */
function itemOf(place: Place, index: number): Place {
  const node = place.node.kind === 'list' ? place.node.items[index] : undefined;
  return { ...place, path: `${place.path}[${index}]`, node: node ?? place.node, line: node?.line ?? place.line };
}
