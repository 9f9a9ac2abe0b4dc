#pragma once
// The sets of a message in their order, with the hashes that their signatures cover (RFC 8617 5.2 steps 1 to 3). Inside the module.

#include <optional>
#include <string>
#include <vector>

#include "check/arc/fields.h"
#include "check/dkim/header_fields.h"

namespace godwit::arc {

struct Link {
  std::size_t results_field = 0;  // numbers in HeaderFields
  std::size_t message_field = 0;
  std::size_t seal_field = 0;
  Signed message;
  Signed seal;
  std::string results;  // behind the instance
};

struct Chain {
  std::vector<Link> links;  // instance 1 first
  std::string fault;        // empty: the structure is sound
  unsigned fault_at = 0;    // the instance; 0: the whole
};

// `header` is done and not too large.
Chain collect(const dkim::HeaderFields& header, unsigned max_sets);

// What b= of the message signature and of the seal of links[at] covers.
std::string message_hash(const dkim::HeaderFields& header, const Link& link);
std::string seal_hash(const dkim::HeaderFields& header, const std::vector<Link>& links, std::size_t at);

}  // namespace godwit::arc
