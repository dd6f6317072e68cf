"""What an exception of the machine means."""

from __future__ import annotations

import pytest
import torch

from painter.device.faults import DeviceLost, as_paint_error, is_out_of_memory, raise_if_lost
from painter.errors import Internal, OutOfMemory

HOST_FULL = [
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    RuntimeError("std::bad_alloc"),
]
FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    torch.AcceleratorError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `create`"),
    RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    RuntimeError("GET was unable to find an engine to execute this computation"),
]
OTHERS = [
    ValueError("out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"),
    KeyError("/secret/path"),
]


@pytest.mark.parametrize("error", [*FULL, *HOST_FULL], ids=repr)
def test_an_allocation_that_failed_is_told_as_such_and_loses_no_device(error):
    assert is_out_of_memory(error)
    raise_if_lost(error)
    told = as_paint_error(error)
    assert (type(told), told.status, told.field) == (OutOfMemory, 507, "size")
    assert told.retry_after == (10 if error in HOST_FULL else None)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_all_else_is_a_defect_of_ours_told_without_its_inside(error):
    raise_if_lost(error)
    told = as_paint_error(error)
    assert (type(told), told.status) == (Internal, 500)
    assert told.detail == f"the painting failed: {type(error).__name__}"
    assert as_paint_error(told) is told


def test_any_other_error_of_the_device_loses_it():
    with pytest.raises(DeviceLost, match="device-side assert triggered$"):
        raise_if_lost(torch.AcceleratorError("CUDA error: device-side assert triggered\nmore"))
    with pytest.raises(DeviceLost, match="gone"):
        raise_if_lost(DeviceLost("gone"))
