// Lists of collections as text or CSV. Pure functions.
//
// Text: one collection a line, `name` or `database.name`. CSV: `source,target` a line, the target may be empty; a first
// line of just these words is a header. Empty lines and lines that begin with # are left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace godwit {

struct SelectedName {
  std::string source;
  std::string target;  // empty = the source's name
  int line = 0;
};

std::vector<SelectedName> ParseSelection(std::string_view text, Problems* problems);

}  // namespace godwit
