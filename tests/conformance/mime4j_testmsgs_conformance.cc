// Conformance: structure, headers and bodies of the messages in mime4j-testmsgs.

#include "mime4j.h"

int main(int argc, char** argv) {
  const std::string encoded = "RFC 2046 5.2.1: message/rfc822 in base64 is not allowed; such a part is an opaque leaf";
  return godwit::conformance::run_mime4j("mime4j-testmsgs",
                                         {{"bad-newlines-multiple-parts-base64", encoded},
                                          {"base64encoded-rfc822message", encoded},
                                          {"base64encoded-rfc822message-nested", encoded},
                                          {"malformedHeaderStartsBody-noheader",
                                           "RFC 5322 2.1: an empty line alone ends the header (the suite has the same message both ways)"}},
                                         argc, argv);
}
