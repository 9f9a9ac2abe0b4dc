#pragma once
// The validated names of the client: RFC 7208 5.5, for "ptr" and %{p}. Asked for when first needed, each name once a check.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/spf/lookups.h"

namespace godwit::spf {

// `name` is `domain` or below it; ASCII case does not matter, nor a final dot of `domain`.
bool is_within(std::string_view name, std::string_view domain);

class ReverseNames {
 public:
  ReverseNames(Lookups& lookups, IpAddress client, unsigned most) : lookups_(lookups), client_(client), most_(most) {}

  bool asked() const { return asked_; }  // the PTR look-up is done

  // Both fail only as the whole check does (Lookups::is_final()); a name that the DNS fails to answer about is skipped.
  Task<godwit::Result<bool>> any_within(std::string domain);       // a validated name is `domain` or below it
  Task<godwit::Result<std::string>> best_for(std::string domain);  // %{p}; "unknown" if there is none

 private:
  struct Name {
    std::string text;
    std::optional<bool> valid;
  };

  Task<godwit::Result<void>> ask();
  Task<godwit::Result<bool>> validate(std::size_t index);

  Lookups& lookups_;
  IpAddress client_;
  unsigned most_;
  bool asked_ = false;
  std::vector<Name> names_;
};

}  // namespace godwit::spf
