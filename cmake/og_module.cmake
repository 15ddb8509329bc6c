# SPDX-License-Identifier: MIT
# One static library per room.  SOURCES are relative to the room; DEPS name the rooms it may include;
# LIBS name third-party targets it alone needs.
function(og_module name)
  cmake_parse_arguments(M "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  list(TRANSFORM M_DEPS PREPEND og_)
  add_library(og_${name} STATIC ${M_SOURCES})
  target_include_directories(og_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(og_${name} PUBLIC ${M_DEPS} og_flags PRIVATE ${M_LIBS})
endfunction()

# A unit test binary links its room's closure and nothing above it, so that an upward call fails to link.
# og_unit_test(<name> SOURCES ... DEPS <rooms> [LABELS ...])
function(og_unit_test name)
  cmake_parse_arguments(T "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  list(TRANSFORM T_DEPS PREPEND og_)
  add_executable(${name} ${T_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${T_DEPS} og_flags cmocka)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT T_LABELS)
    set(T_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}")
endfunction()
