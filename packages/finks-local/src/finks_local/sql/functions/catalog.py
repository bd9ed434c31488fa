"""All families together."""

from __future__ import annotations

from typing import Final

from finks_local.sql.functions.aggregate import aggregates
from finks_local.sql.functions.array import arrays
from finks_local.sql.functions.binary import binaries
from finks_local.sql.functions.datetime import moments
from finks_local.sql.functions.json import jsons
from finks_local.sql.functions.math import math
from finks_local.sql.functions.regexp import regexps
from finks_local.sql.functions.registry import Family
from finks_local.sql.functions.string import strings
from finks_local.sql.functions.window import windows

SCALARS: Final = Family()
for _family in (math, strings, moments, jsons, regexps, arrays, binaries):
    SCALARS.handlers.update(_family.handlers)
    for _name, _overloads in _family.overloads.items():
        SCALARS.overloads.setdefault(_name, []).extend(_overloads)
AGGREGATES: Final = aggregates
WINDOWS: Final = windows

_ELSEWHERE: Final = frozenset(
    """approx_most_frequent approx_set array_histogram bar bing_tile bing_tile_at bing_tile_coordinates bing_tile_polygon
    bing_tile_quadkey bing_tile_zoom_level bing_tiles_around cardinality_hll checksum classify color combinations_hll
    contains_sequence convex_hull_agg dot_product empty_approx_set evaluate_classifier_predictions exclude_columns
    features from_encoded_polyline from_geojson_geometry geometry_from_hadoop_shape geometry_invalid_reason
    geometry_nearest_points geometry_to_bing_tiles geometry_union geometry_union_agg great_circle_distance hash_counts
    index intersection_cardinality inverse_beta_cdf inverse_normal_cdf jaccard_index json_table kurtosis
    learn_classifier learn_libsvm_classifier learn_libsvm_regressor learn_regressor line_interpolate_point
    line_interpolate_points line_locate_point make_set_digest merge merge_set_digest murmur3 beta_cdf normal_cdf
    numeric_histogram objectid objectid_timestamp parse_presto_data_size parse_data_size qdigest_agg quantile_at_value
    regress render rgb simplify_geometry simplify_geometry spatial_partitioning spatial_partitions spooky_hash_v2_32
    spooky_hash_v2_64 tdigest_agg timezone to_encoded_polyline to_geojson_geometry to_geometry
    to_spherical_geography trim_array uuid value_at_quantile values_at_quantiles wilson_interval_lower
    wilson_interval_upper word_stem translate_utf8 hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 from_ieee754_32
    from_ieee754_64 to_ieee754_32 to_ieee754_64 from_big_endian_32 from_big_endian_64 to_big_endian_32
    to_big_endian_64 json_query json_value json_exists json_object json_array t_pdf t_cdf ngrams_hll multimap_from_rows
    map_zip_all approx_frequency bitwise_agg parse_duration succinct_duration succinct_data_size""".split()
)


def known_elsewhere(name: str) -> bool:
    """Whether Trino has a function of that name that is not translated."""
    return name in _ELSEWHERE or name.startswith(("st_", "bing_tile", "geometry_"))
