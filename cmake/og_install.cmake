# SPDX-License-Identifier: MIT
# The program, the library with its headers, and the pkg-config file that finds them from wherever they were moved.
include(GNUInstallDirs)
if(TARGET omnigraph)
  install(TARGETS omnigraph RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET omnigraph_shared)
  install(TARGETS omnigraph_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY include/omnigraph DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
  file(RELATIVE_PATH OG_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  configure_file(cmake/omnigraph.pc.in ${CMAKE_BINARY_DIR}/omnigraph.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/omnigraph.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
