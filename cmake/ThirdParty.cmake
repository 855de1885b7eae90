# Everything that godwit is built on, as imported targets, so that their headers count as system headers.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(simdjson REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)

# The Python environment of scripts/setup.sh: it holds pyarrow (when no Arrow is installed) and pymilvus.
if(NOT GODWIT_PYTHON)
  execute_process(
    COMMAND ${PROJECT_SOURCE_DIR}/scripts/setup.sh --print-python
    OUTPUT_VARIABLE GODWIT_PYTHON
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
if(NOT EXISTS "${GODWIT_PYTHON}")
  message(FATAL_ERROR "no Python at ${GODWIT_PYTHON}: run scripts/setup.sh, or give -DGODWIT_PYTHON=")
endif()

# godwit_arrow: an installed Arrow where there is one, else the one in the wheel.
add_library(godwit_arrow INTERFACE)
find_package(Arrow CONFIG QUIET)
find_package(Parquet CONFIG QUIET)
if(Arrow_FOUND AND Parquet_FOUND AND Arrow_VERSION VERSION_GREATER_EQUAL 22)
  message(STATUS "Arrow ${Arrow_VERSION}, installed")
  find_package(ArrowCompute CONFIG QUIET)
  target_link_libraries(
    godwit_arrow INTERFACE Parquet::parquet_shared $<TARGET_NAME_IF_EXISTS:ArrowCompute::arrow_compute_shared>
                           Arrow::arrow_shared)
else()
  set(Python3_EXECUTABLE "${GODWIT_PYTHON}")
  find_package(ArrowWheel 22.0 REQUIRED)
  message(STATUS "Arrow ${ArrowWheel_VERSION}, from ${ArrowWheel_DIR}")
  target_link_libraries(godwit_arrow INTERFACE ArrowWheel::parquet ArrowWheel::arrow_compute ArrowWheel::arrow)
endif()
