/** The agent's configuration for the local stack, as a file that a newcomer can read and change. */
export function agentConfig(options: { readonly edgeUrl: string; readonly agentPort: number; readonly nodeExporter: boolean }): string {
  const node = options.nodeExporter
    ? `
  - job_name: node
    static_configs:
      - targets: [127.0.0.1:9100]`
    : '';
  return `# Made anew by each "npm start".
global:
  scrape_interval: 5s
  external_labels:
    cluster: cluster-02

scrape_configs:
  # All of the agent's own metrics. A few of them travel in any case, as job="agent-lite".
  - job_name: agent
    static_configs:
      - targets: [127.0.0.1:${options.agentPort}]${node}

edge_push:
  url: ${options.edgeUrl}
  authorization:
    credentials_file: token
  # Short, so that one sees something soon. On a device 60s costs much less.
  push_interval: 10s
`;
}
