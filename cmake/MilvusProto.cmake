# milvus_proto: the generated messages and stubs of the Milvus calls listed in src/stores/milvus/rpcs.txt.
# Include as "milvus.grpc.pb.h", "schema.pb.h", "common.pb.h".
set(_rpcs "${PROJECT_SOURCE_DIR}/src/stores/milvus/rpcs.txt")
set(_script "${PROJECT_SOURCE_DIR}/scripts/milvus_protos.py")
set(_gen "${PROJECT_BINARY_DIR}/milvus_proto")
set(_set "${_gen}/milvus.desc")
file(MAKE_DIRECTORY "${_gen}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_rpcs}" "${_script}")

execute_process(
  COMMAND "${GODWIT_PYTHON}" "${_script}" --rpcs "${_rpcs}" --out "${_set}"
  OUTPUT_VARIABLE _files
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" _files "${_files}")

set(_sources)
set(_outputs)
foreach(_file IN LISTS _files)
  string(REPLACE ".proto" "" _stem "${_file}")
  list(APPEND _sources "${_gen}/${_stem}.pb.cc")
  list(APPEND _outputs "${_gen}/${_stem}.pb.cc" "${_gen}/${_stem}.pb.h")
endforeach()
list(APPEND _sources "${_gen}/milvus.grpc.pb.cc")
list(APPEND _outputs "${_gen}/milvus.grpc.pb.cc" "${_gen}/milvus.grpc.pb.h")

add_custom_command(
  OUTPUT ${_outputs}
  COMMAND protobuf::protoc "--descriptor_set_in=${_set}" "--cpp_out=${_gen}" ${_files}
  COMMAND protobuf::protoc "--descriptor_set_in=${_set}" "--grpc_out=${_gen}"
          "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>" milvus.proto
  DEPENDS "${_set}"
  VERBATIM)

add_library(milvus_proto STATIC ${_sources})
target_include_directories(milvus_proto SYSTEM PUBLIC "${_gen}")
# Generated code: nothing to see in a debugger, nothing to warn about, and it costs the most to compile.
target_compile_options(milvus_proto PRIVATE ${GODWIT_COMPILE_FAST} -g0 -w)
target_link_libraries(milvus_proto PUBLIC gRPC::grpc++ protobuf::libprotobuf)
