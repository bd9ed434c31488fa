{# The product of a double over the rows of a group, nulls left out. No standard aggregate does this. #}
{% macro product_agg(expression) %}{{ return(adapter.dispatch('product_agg')(expression)) }}{% endmacro %}

{% macro default__product_agg(expression) -%}
    reduce_agg(cast({{ expression }} as double), 1e0, (a, b) -> a * b, (a, b) -> a * b)
{%- endmacro %}

{% macro duckdb__product_agg(expression) -%}
    product(cast({{ expression }} as double))
{%- endmacro %}

{# The running product of a double: rows from the first of the partition to the current one. #}
{% macro running_product(expression, partition_by, order_by) -%}
    {{ product_agg(expression) }} over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
