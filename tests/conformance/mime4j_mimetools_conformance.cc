// Conformance: structure, headers and bodies of the messages in mime4j-mimetools.

#include "mime4j.h"

int main(int argc, char** argv) {
  return godwit::conformance::run_mime4j(
      "mime4j-mimetools", {{"frag decoded", "RFC 2045 6.8: base64 cut off inside a quantum; its whole bytes are decoded here"}}, argc,
      argv);
}
