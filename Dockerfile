# Three stages: the web assets need Node, the packages need pip, what runs needs neither.
FROM node:24-bookworm AS assets
WORKDIR /src
COPY platform/web platform/web
RUN rm -rf platform/web/dist platform/web/frontend/node_modules \
 && python3 -c "import sys; sys.path.insert(0, 'platform'); from web.assets import build; build()" \
 && rm -rf platform/web/frontend

FROM python:3.12-slim AS packages
COPY requirements/base.txt /tmp/base.txt
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r /tmp/base.txt \
 && /opt/venv/bin/python -m pip uninstall --yes pip

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/kairos --create-home kairos
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app:/app/platform \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    DJANGO_SETTINGS_MODULE=config.settings.prod \
    KAIROS_LOCAL=/var/lib/kairos
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY manage.py LICENSE ./
COPY platform/config platform/config
COPY platform/tenancy platform/tenancy
COPY platform/people platform/people
COPY platform/events platform/events
COPY platform/commerce platform/commerce
COPY platform/api platform/api
COPY platform/stack platform/stack
COPY platform/demo platform/demo
COPY segments segments
COPY consent consent
COPY templates_engine templates_engine
COPY delivery delivery
COPY triggers triggers
COPY analytics analytics
COPY --from=assets /src/platform/web platform/web
# The secrets of this line are used for nothing: collecting files signs and encrypts none.
RUN SECRET_KEY=unused KAIROS_ENCRYPTION_KEYS=unused KAIROS_PEPPERS=k1:unused \
    python manage.py collectstatic --noinput --verbosity 0 \
 && chown -R kairos /var/lib/kairos
USER kairos
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=4 \
    CMD ["python", "-m", "stack.healthy", "web"]
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "8", "--preload", "--keep-alive", "30", "--no-control-socket", \
     "--logger-class", "config.web_log.WebLogger"]
