# Apache Arrow C++ out of the pyarrow wheel: its headers and shared libraries are complete, only the CMake package and
# the unversioned .so names are missing. Looks in ArrowWheel_DIR, else asks Python3_EXECUTABLE where pyarrow is.
# Makes the targets ArrowWheel::arrow, ArrowWheel::arrow_compute, ArrowWheel::arrow_acero, ArrowWheel::arrow_dataset and
# ArrowWheel::parquet. Flight is left out on purpose: it holds a second gRPC.
if(NOT ArrowWheel_DIR AND Python3_EXECUTABLE)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} -c
            "import importlib.util as u; s = u.find_spec('pyarrow'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE _found
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  # Not cached: the environment may be another one the next time.
  set(ArrowWheel_DIR "${_found}")
endif()

set(_config "${ArrowWheel_DIR}/include/arrow/util/config.h")
if(EXISTS "${_config}")
  foreach(_name VERSION SO_VERSION)
    file(STRINGS "${_config}" _line REGEX "#define ARROW_${_name}(_STRING)? \"")
    string(REGEX REPLACE ".*\"([^\"]+)\".*" "\\1" ArrowWheel_${_name} "${_line}")
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  ArrowWheel
  REQUIRED_VARS ArrowWheel_DIR ArrowWheel_SO_VERSION
  VERSION_VAR ArrowWheel_VERSION)

if(ArrowWheel_FOUND)
  foreach(_name arrow arrow_compute arrow_acero arrow_dataset parquet)
    set(_file "${ArrowWheel_DIR}/lib${_name}.so.${ArrowWheel_SO_VERSION}")
    if(EXISTS "${_file}" AND NOT TARGET ArrowWheel::${_name})
      add_library(ArrowWheel::${_name} SHARED IMPORTED)
      set_target_properties(
        ArrowWheel::${_name} PROPERTIES IMPORTED_LOCATION "${_file}" IMPORTED_SONAME
                                        "lib${_name}.so.${ArrowWheel_SO_VERSION}"
                                        INTERFACE_INCLUDE_DIRECTORIES "${ArrowWheel_DIR}/include")
    endif()
  endforeach()
  target_link_libraries(ArrowWheel::arrow_compute INTERFACE ArrowWheel::arrow)
  target_link_libraries(ArrowWheel::parquet INTERFACE ArrowWheel::arrow)
endif()
