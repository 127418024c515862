# The service, on CPUs.
#
#   docker build --build-arg TORCH_INDEX=... --tag spacy-xner .
#   docker run --publish 127.0.0.1:8000:8000 --volume "$PWD/out/model-best:/model:ro" spacy-xner
#
# With the model in the image, a folder of this one:
#
#   docker build --target with-model --build-arg MODEL=out/model-best --tag slips .
#   docker run --publish 127.0.0.1:8000:8000 slips

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS build
# Index that torch comes from. Without one, pip's own, whose torch for Linux has CUDA and is several gigabytes larger.
ARG TORCH_INDEX=""
ARG EXTRAS=serve,records
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY spacy_xner ./spacy_xner
COPY scripts/container ./scripts/container
RUN scripts/container install /venv

FROM python:${PYTHON_VERSION}-slim AS service
RUN useradd --uid 10001 --create-home service
COPY --from=build /venv /venv
COPY --from=build /source/scripts/container /usr/local/bin/container
# Nothing is downloaded. A request or a log line is seen at once.
ENV PATH=/venv/bin:$PATH HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/service
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=120s CMD ["container", "health", "8000"]
ENTRYPOINT ["spacy-xner", "serve"]
CMD ["/model", "--host", "0.0.0.0"]

FROM service AS with-model
ARG MODEL
COPY ${MODEL} /model

# The last stage is what `docker build` makes without a target.
FROM service
