import { Counter, Gauge, Registry } from 'prom-client';

/** What the kiosk itself measures, by prom-client, as any page would. */
export const PRODUCTS = ['espresso', 'cappuccino', 'tea'] as const;
export type Product = (typeof PRODUCTS)[number];

export interface Shop {
  readonly contentType: string;
  metrics(): Promise<string>;
  /** Returns how many of it were ordered since the page was opened. */
  order(product: Product): number;
  setWarmer(celsius: number): void;
}

export function openShop(): Shop {
  const register = new Registry();
  const orders = new Counter({ name: 'kiosk_orders_total', help: 'Orders.', labelNames: ['product'], registers: [register] });
  const warmer = new Gauge({ name: 'kiosk_warmer_celsius', help: 'Temperature of the cup warmer.', registers: [register] });
  const counts = new Map<Product, number>();
  // From 0, so that the first order is an increase.
  for (const product of PRODUCTS) orders.inc({ product }, 0);
  return {
    contentType: register.contentType,
    metrics: () => register.metrics(),
    order(product) {
      orders.inc({ product });
      const count = (counts.get(product) ?? 0) + 1;
      counts.set(product, count);
      return count;
    },
    setWarmer: (celsius) => warmer.set(celsius),
  };
}
