# SPDX-License-Identifier: MIT
# What `make install` copies: the program with its completions, the libraries with their headers, and the pkg-config files
# that find them from wherever they were moved.
include(GNUInstallDirs)

install(FILES LICENSE README.md CHANGELOG.md THIRD-PARTY.md docs/user/c-api.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(TARGETS omnigraph RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# The program writes its completions itself, from its table of commands.
function(og_install_completion shell folder file)
  set(out ${CMAKE_BINARY_DIR}/completions/${shell}/${file})
  install(CODE "
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/completions/${shell})
    execute_process(COMMAND $<TARGET_FILE:omnigraph> completion ${shell} OUTPUT_FILE ${out} COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES ${out} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder})
endfunction()
if(NOT CMAKE_CROSSCOMPILING)
  og_install_completion(bash bash-completion/completions omnigraph)
  og_install_completion(zsh zsh/site-functions _omnigraph)
  og_install_completion(fish fish/vendor_completions.d omnigraph.fish)
endif()

install(TARGETS omnigraph_shared omnigraph_lance_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/omnigraph DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(FILES examples/c/arrow_stream.c examples/c/friends.c examples/c/lance_rows.c examples/c/lance_write.c
  examples/c/prepared.c
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
file(RELATIVE_PATH OG_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(name omnigraph omnigraph-lance)
  configure_file(cmake/${name}.pc.in ${CMAKE_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
