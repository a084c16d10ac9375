/** The images of programs that nobody here wrote; the environment may name others that speak the same. */
export const MINIO_IMAGE = process.env['MINIO_IMAGE'] ?? 'quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z';
export const VERSITYGW_IMAGE = process.env['VERSITYGW_IMAGE'] ?? 'versity/versitygw:v1.8.0';
export const PROMETHEUS_IMAGE = process.env['PROMETHEUS_IMAGE'] ?? 'prom/prometheus:v3.5.0';
export const CADDY_IMAGE = process.env['CADDY_IMAGE'] ?? 'caddy:2';
export const NGINX_IMAGE = process.env['NGINX_IMAGE'] ?? 'nginx:stable';
