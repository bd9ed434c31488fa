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

_NAMES: Final = """
    approx_frequency approx_most_frequent approx_set array_histogram bar beta_cdf bing_tile bing_tile_at
    bing_tile_coordinates bing_tile_polygon bing_tile_quadkey bing_tile_zoom_level bing_tiles_around bitwise_agg
    cardinality_hll checksum classify color combinations_hll convex_hull_agg cosine_distance dot_product
    empty_approx_set euclidean_distance evaluate_classifier_predictions exclude_columns features
    from_big_endian_32 from_big_endian_64 from_encoded_polyline from_geojson_geometry from_ieee754_32
    from_ieee754_64 from_iso8601_timestamp_nanos geometry_from_hadoop_shape geometry_invalid_reason
    geometry_nearest_points geometry_to_bing_tiles geometry_union geometry_union_agg great_circle_distance
    hash_counts hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 index intersection_cardinality inverse_beta_cdf
    inverse_normal_cdf jaccard_index json_array json_exists json_object json_query json_table json_value
    learn_classifier learn_libsvm_classifier learn_libsvm_regressor learn_regressor line_interpolate_point
    line_interpolate_points line_locate_point make_set_digest map_zip_all merge merge_set_digest
    multimap_from_rows murmur3 ngrams_hll normal_cdf numeric_histogram objectid objectid_timestamp overlay
    parse_data_size parse_presto_data_size qdigest_agg quantile_at_value regress render rgb simplify_geometry
    spatial_partitioning spatial_partitions spooky_hash_v2_32 spooky_hash_v2_64 succinct_data_size
    succinct_duration t_cdf t_pdf tdigest_agg timezone title_case to_big_endian_32 to_big_endian_64
    to_encoded_polyline to_geojson_geometry to_geometry to_ieee754_32 to_ieee754_64 to_spherical_geography
    translate_utf8 trim_array value_at_quantile values_at_quantiles wilson_interval_lower wilson_interval_upper
    word_stem
"""
_ELSEWHERE: Final = frozenset(_NAMES.split())


def known_elsewhere(name: str) -> bool:
    """Whether Trino has a function of that name that is not translated."""
    return name in _ELSEWHERE or name.startswith(("st_", "bing_tile", "geometry_"))
